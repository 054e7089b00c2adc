//! Reads stored receipts: the receipt row is the intake queue.
//!
//! A receipt becomes, in one batch: its facts, the steps they cause, a job for each object that is
//! to be read again, and its own end. No vendor is called here. A crash at any moment leaves the
//! receipt as it was, and the next pass does the same again.
//!
//! A receipt that can't be read holds up nobody else: one whose cases keep moving waits, and only
//! later receipts about the same clients wait behind it; one that can never be read is quarantined
//! with a work item, and its bytes stay. One that needs a row of the database which can't be read waits
//! until that is mended.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use relay_core::channel::{EngagementEvent, POST_LAG_SECS};
use relay_core::effects::EffectKind;
use relay_core::facts::Fact;
use relay_core::ids::{ClientId, ContactId};
use relay_core::time::{SignedDuration, earlier};
use relay_core::work_kinds;
use relay_store::{Engagement, Op, Page, Precondition, Receipt, ReceiptState, StoreError};
use serde_json::json;

use crate::engine::damage::unreadable;
use crate::engine::error::chain;
use crate::engine::sync::alike::{KnownIds, Respelt};
use crate::engine::sync::engagement::engaged;
use crate::engine::sync::hear_list::hear_list;
use crate::engine::sync::hints;
use crate::engine::sync::hints::Origin;
use crate::engine::sync::list_silence;
use crate::engine::{Engine, EngineError, items, stepper};
use crate::failpoint::INTAKE;
use crate::receipts::{Parsed, Source};

/// How many receipts are looked at in one pass.
const PASS: u32 = 64;

/// How often a receipt is decided again in one pass when its cases keep moving.
const TRIES: usize = 8;

/// A receipt with what it says.
struct Unread {
    receipt: Receipt,
    parsed: Parsed,
    /// The clients whose order of events it belongs to.
    clients: BTreeSet<ClientId>,
}

/// What became of a receipt in one pass.
enum ReceiptOutcome {
    /// It has left the queue.
    Read,
    /// It stays for the next pass; so does everything later about these clients.
    Waits(BTreeSet<ClientId>),
}

/// Reads receipts until none is new, but for those that have to wait. Returns how many.
pub async fn intake(engine: &Engine) -> Result<usize, EngineError> {
    let mut read = 0;
    loop {
        let pass = intake_pass(engine, 1).await?;
        if pass == 0 {
            return Ok(read);
        }
        read += pass;
    }
}

/// Reads one portion of new receipts, so that a flood of them doesn't keep jobs from running;
/// up to `at_once` of different clients at the same time, so that they share commits. Returns
/// how many left the queue.
pub async fn intake_pass(engine: &Engine, at_once: usize) -> Result<usize, EngineError> {
    let mut read = 0;
    let mut waiting: BTreeSet<ClientId> = BTreeSet::new();
    let mut offset = 0;
    loop {
        let page = Page {
            offset,
            limit: PASS,
        };
        let receipts = engine.store.receipts(ReceiptState::New, page).await?;
        let more = receipts.len() == PASS as usize;
        let mut queue: Vec<_> = receipts.into_iter().map(|r| unread(engine, r)).collect();
        while !queue.is_empty() {
            let (wave, later) = wave(queue, at_once, &waiting);
            queue = later;
            let readings = wave.into_iter().map(|unread| {
                // Boxed: a wave of them would otherwise be part of every caller.
                Box::pin(async {
                    if unread.clients.is_disjoint(&waiting) {
                        read_receipt(engine, unread).await
                    } else {
                        Ok(ReceiptOutcome::Waits(unread.clients))
                    }
                })
            });
            for reading in join_all(readings).await {
                match reading? {
                    ReceiptOutcome::Read => read += 1,
                    ReceiptOutcome::Waits(clients) => {
                        waiting.extend(clients);
                        offset += 1;
                    }
                }
            }
        }
        // Only a portion that consists of waiting receipts is passed over.
        if read > 0 || !more {
            return Ok(read);
        }
    }
}

fn unread(engine: &Engine, receipt: Receipt) -> Unread {
    let parsed = parse(engine, &receipt);
    Unread {
        clients: clients_of_facts(&parsed),
        parsed,
        receipt,
    }
}

async fn read_receipt(engine: &Engine, unread: Unread) -> Result<ReceiptOutcome, EngineError> {
    let Unread {
        receipt,
        parsed,
        clients,
    } = unread;
    let receipt = &receipt;
    for _ in 0..TRIES {
        let done = AssertUnwindSafe(read_once(engine, receipt, parsed.clone()));
        let error = match done.catch_unwind().await {
            Ok(Ok(())) => return Ok(ReceiptOutcome::Read),
            Ok(Err(error)) => error,
            Err(_) => EngineError::Panicked("reading a receipt"),
        };
        if error.is_conflict() {
            // Either a case has moved (decide again), or another process has read this very
            // receipt (then it is no longer new, and there is nothing to decide).
            let stored = engine.store.receipt(receipt.id).await?;
            if stored.is_none_or(|stored| stored.state != ReceiptState::New) {
                return Ok(ReceiptOutcome::Read);
            }
        } else if error.is_transient() {
            return Err(error);
        } else if unreadable(&error).is_some() {
            // A row of hers, not the receipt, can't be read: it is read once that is mended.
            return Ok(ReceiptOutcome::Waits(clients));
        } else {
            set_aside(engine, receipt, &error).await?;
            return Ok(ReceiptOutcome::Read);
        }
    }
    tracing::warn!(receipt = %receipt.id, "cases keep moving; the receipt stays for the next pass");
    Ok(ReceiptOutcome::Waits(clients))
}

async fn read_once(engine: &Engine, receipt: &Receipt, parsed: Parsed) -> Result<(), EngineError> {
    let ops = receipt_ops(engine, receipt, parsed).await?;
    engine.commit(INTAKE, ops).await.map(|_| ())
}

/// What a receipt says; a reader that panics says that it can't be read.
fn parse(engine: &Engine, receipt: &Receipt) -> Parsed {
    let unreadable = |reason: String| Parsed::Quarantine {
        reason,
        hints: Vec::new(),
        facts: Vec::new(),
        unread: Vec::new(),
    };
    let source = engine
        .sources
        .iter()
        .find(|source| source.name() == receipt.source);
    match source {
        Some(source) => std::panic::catch_unwind(AssertUnwindSafe(|| source.parse(receipt)))
            .unwrap_or_else(|_| unreadable("its reader panicked: a bug".to_owned())),
        None => unreadable(format!("no sender named {} is configured", receipt.source)),
    }
}

/// A receipt that can't be worked on, now or later: kept, out of the way, and told to an admin.
async fn set_aside(
    engine: &Engine,
    receipt: &Receipt,
    error: &EngineError,
) -> Result<(), EngineError> {
    let now = engine.now();
    let reason = chain(error);
    tracing::error!(receipt = %receipt.id, source = receipt.source, reason, "set aside");
    let title = format!("A webhook from {} can't be worked on", receipt.source);
    let mut item = items::item(
        engine,
        format!("receipt/{}", receipt.id),
        work_kinds::RECEIPT,
        title,
    );
    item.detail = json!({ "receipt": receipt.id, "reason": reason,
                          "remedy": "what is told or read the next day makes up for most of it; see what it said, \
                                     then settle" });
    item.actions = vec!["done".to_owned()];
    let mut ops = items::open_work_ops(engine, item, now);
    ops.push(Op::FinishReceipt {
        id: receipt.id,
        state: ReceiptState::Quarantined,
        note: Some(reason),
        at: now,
    });
    match engine.commit(INTAKE, ops).await {
        Err(error) if error.is_conflict() => Ok(()),
        other => other.map(|_| ()),
    }
}

async fn receipt_ops(
    engine: &Engine,
    receipt: &Receipt,
    parsed: Parsed,
) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    let mut left_out = Vec::new();
    let (mut state, facts, hints, mut note) = match parsed {
        Parsed::Engagement { contact, event } => {
            return engagement_ops(engine, receipt, contact, event).await;
        }
        Parsed::Content { facts, hints, note } => (ReceiptState::Done, facts, hints, note),
        Parsed::Quarantine {
            reason,
            hints,
            facts,
            unread,
        } => {
            let (id, source) = (receipt.id, &receipt.source);
            tracing::warn!(receipt = %id, source, reason, "quarantined");
            left_out = unread;
            (ReceiptState::Quarantined, facts, hints, Some(reason))
        }
    };
    let list = list_source(engine, receipt);
    let says_something = !facts.is_empty();
    let told: BTreeSet<ClientId> = facts.iter().map(|fact| fact.client.clone()).collect();
    let FactOps {
        mut ops,
        news,
        respelt,
    } = fact_ops(engine, facts, receipt, list.is_some()).await?;
    if !respelt.is_empty() {
        state = ReceiptState::Quarantined;
        let reasons = note
            .into_iter()
            .chain(respelt.iter().map(Respelt::to_string));
        note = Some(reasons.collect::<Vec<_>>().join("; "));
        left_out.extend(respelt.into_iter().map(|one| one.client));
    }
    if let Some(list) = list {
        ops.extend(list_silence::unread_ops(engine, &left_out, &told, now).await?);
        // Also one that says that nothing has changed.
        if says_something || state == ReceiptState::Done {
            ops.extend(list_silence::told(engine, list.told_at(receipt)).await?);
        }
    }
    if let Some(id) = receipt.reused_id().filter(|_| news) {
        // Another body under a known id, and it says something else: read like any other.
        tracing::warn!(receipt = %receipt.id, source = receipt.source, "a webhook id was used twice");
        ops.extend(items::reused_id_ops(engine, receipt, id));
    }
    let from = Origin::receipt(receipt);
    let (hint_ops, unwatched) = hints::hint_ops(engine, &from, hints).await?;
    ops.extend(hint_ops);
    if state == ReceiptState::Quarantined {
        ops.extend(items::quarantine_item_ops(
            engine,
            receipt,
            note.as_deref(),
            says_something,
        ));
    }
    ops.push(Op::FinishReceipt {
        id: receipt.id,
        state,
        note: join(note, unwatched),
        at: now,
    });
    Ok(ops)
}

/// An open or click is kept for the contact, and told to every client who is linked to it.
async fn engagement_ops(
    engine: &Engine,
    receipt: &Receipt,
    contact: ContactId,
    event: EngagementEvent,
) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    let clients = engine.store.clients_of(&contact).await?;
    let about = SignedDuration::from_secs(POST_LAG_SECS);
    let about = earlier(event.at, about);
    let known = engine.store.engagement(&contact, about).await?;
    // What is posted about what a look has shown already is no news.
    let told_before = known.iter().any(|known| known.event.is_same(&event));
    let mut ops = Vec::new();
    for client in clients.iter().filter(|_| !told_before) {
        let mut stepping = stepper::stepping(engine, client).await?;
        stepping.fact(engaged(client, &contact, &event), Some(receipt.id));
        ops.extend(stepping.into_ops());
    }
    let what = event.kind.as_str();
    let note = match (clients.len(), told_before) {
        (0, _) => format!("{what} of a contact that is not watched, recorded only"),
        (_, true) => format!("{what}, told before"),
        (many, false) => format!("{what}, told to {many} clients"),
    };
    ops.push(Op::PutEngagement(Engagement {
        contact,
        event,
        confirmed: None,
    }));
    ops.push(Op::FinishReceipt {
        id: receipt.id,
        state: ReceiptState::Done,
        note: Some(note),
        at: now,
    });
    Ok(ops)
}

/// What follows from facts.
#[derive(Default)]
struct FactOps {
    ops: Vec<Op>,
    /// Whether any of them was news.
    news: bool,
    /// What was not read because its id is known in another spelling.
    respelt: Vec<Respelt>,
}

/// What follows from facts; `repeats`: of a list.
async fn fact_ops(
    engine: &Engine,
    facts: Vec<Fact>,
    receipt: &Receipt,
    repeats: bool,
) -> Result<FactOps, EngineError> {
    let mut by_client: BTreeMap<ClientId, Vec<Fact>> = BTreeMap::new();
    for fact in facts {
        by_client.entry(fact.client.clone()).or_default().push(fact);
    }
    let mut all = FactOps::default();
    let mut ids = KnownIds::default();
    for (client, mut facts) in by_client {
        let of_her = if repeats {
            let heard = hear_list(engine, &client, &mut facts, &mut ids, &mut all.respelt).await;
            match heard {
                Ok(kept) => ops_of_client(engine, &client, facts, receipt)
                    .await
                    .map(|(ops, news)| (kept.into_iter().chain(ops).collect(), news)),
                Err(error) => Err(error),
            }
        } else {
            ops_of_client(engine, &client, facts, receipt).await
        };
        match of_her {
            Ok((of_her, news)) => {
                all.ops.extend::<Vec<Op>>(of_her);
                all.news |= news;
            }
            // Hers is told again with the next list, once her row is mended; nobody else waits for that.
            Err(error) if repeats && unreadable(&error).is_some() => {
                tracing::warn!(receipt = %receipt.id, %client, "left out: a row about her can't be read");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// What follows from facts about one client, and whether any of them was news.
async fn ops_of_client(
    engine: &Engine,
    client: &ClientId,
    facts: Vec<Fact>,
    receipt: &Receipt,
) -> Result<(Vec<Op>, bool), EngineError> {
    if facts.is_empty() {
        return Ok((Vec::new(), false));
    }
    let facts = without_our_own(engine, client, facts).await?;
    let mut any_news = false;
    let mut stepping = stepper::stepping(engine, client).await?;
    for fact in facts {
        any_news |= stepping.fact(fact, Some(receipt.id));
    }
    Ok((stepping.into_ops(), any_news))
}

/// Its sender, where that tells again and again what it told before.
fn list_source<'a>(engine: &'a Engine, receipt: &Receipt) -> Option<&'a Arc<dyn Source>> {
    let mut sources = engine.sources.iter();
    sources.find(|source| source.name() == receipt.source && source.repeats())
}

/// Messages that we sent come back as events; they are no news. While one of ours is under way
/// its id is not known: what a coach wrote then can't be told from it, and waits.
async fn without_our_own(
    engine: &Engine,
    client: &ClientId,
    facts: Vec<Fact>,
) -> Result<Vec<Fact>, EngineError> {
    use relay_core::facts::FactBody;
    if !facts
        .iter()
        .any(|fact| matches!(fact.body, FactBody::CoachWrote { .. }))
    {
        return Ok(facts);
    }
    for case in engine.store.open_cases(client).await? {
        let effects = engine.store.effects(case.id).await?;
        if effects
            .iter()
            .any(|effect| effect.kind() == EffectKind::PortalMessage && effect.state.is_under_way())
        {
            let what = Precondition::EffectState;
            return Err(StoreError::Conflict { what }.into());
        }
    }
    let ours: HashSet<String> = engine
        .store
        .vendor_refs(client, EffectKind::PortalMessage)
        .await?
        .into_iter()
        .collect();
    Ok(facts
        .into_iter()
        .filter(|fact| match &fact.body {
            FactBody::CoachWrote { message, .. } => !ours.contains(message.as_str()),
            _ => true,
        })
        .collect())
}

/// The next receipts that may be read at the same time, at most `at_once`, and all others in their
/// order. No two whose facts name their client are about one client, and none is about a client of an
/// earlier receipt that is left for later. What names a contact only (a hint, an automation's post)
/// is kept in order by the version of its case.
fn wave(
    queue: Vec<Unread>,
    at_once: usize,
    waiting: &BTreeSet<ClientId>,
) -> (Vec<Unread>, Vec<Unread>) {
    let mut taken: BTreeSet<ClientId> = BTreeSet::new();
    let (mut wave, mut later) = (Vec::new(), Vec::new());
    for unread in queue {
        // One that has to wait is passed over at once, and keeps nobody else from this wave.
        let free = unread.clients.is_disjoint(&taken) || !unread.clients.is_disjoint(waiting);
        if wave.len() < at_once.max(1) && free {
            taken.extend(unread.clients.iter().cloned());
            wave.push(unread);
        } else {
            taken.extend(unread.clients.iter().cloned());
            later.push(unread);
        }
    }
    (wave, later)
}

/// The clients whose order of events a receipt belongs to. Hints have none: they are read again.
fn clients_of_facts(parsed: &Parsed) -> BTreeSet<ClientId> {
    match parsed {
        Parsed::Content { facts, .. } | Parsed::Quarantine { facts, .. } => {
            facts.iter().map(|fact| fact.client.clone()).collect()
        }
        Parsed::Engagement { .. } => BTreeSet::new(),
    }
}

fn join(note: Option<String>, unwatched: usize) -> Option<String> {
    let unwatched = (unwatched > 0).then(|| format!("{unwatched} not watched, recorded only"));
    match (note, unwatched) {
        (Some(note), Some(unwatched)) => Some(format!("{note}; {unwatched}")),
        (note, unwatched) => note.or(unwatched),
    }
}
