//! A person brings in a file what a sender would have told by webhooks.
//!
//! It becomes receipts of that sender, in one batch with the audit log, and is read like any other: the same
//! facts, the same repeats that are no news. What it would teach is foretold for a dry run; what it has taught is
//! counted from what was stored, since somebody else may have told the same meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CheckInId, ClientId, ReceiptId};
use relay_core::time::{Date, Timestamp};
use relay_store::{AuditEntry, FactRow, Op, Receipt, ReceiptState};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::engine::damage::unreadable;
use crate::engine::sync::alike::{KnownIds, Respelt, take_respelt_check_ins};
use crate::engine::sync::list_silence;
use crate::engine::sync::repeats::{self, Said};
use crate::engine::{Engine, EngineError, intake};
use crate::failpoint::RECEIVE;
use crate::receipts::Parsed;

/// What a file teaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Learned {
    /// Clients whom it names.
    pub clients: usize,
    /// Of those, how many are new or another than known.
    pub clients_changed: usize,
    /// Check-ins that are new or have another date.
    pub check_ins: usize,
    /// Check-ins that are submitted now.
    pub submitted: usize,
    /// Check-ins that are withdrawn now.
    pub withdrawn: usize,
    /// How often it says something else than was told of a later moment: that stands.
    pub outdated: usize,
    /// Clients whom it names and of whom nothing was learned: a row about them can't be read in the database.
    pub left_out: usize,
    /// Deliveries that are stored and not read yet: their clients' cases kept moving. A running relay reads them.
    pub unread: usize,
}

impl Learned {
    fn count(&mut self, fact: &Fact) {
        match fact.body {
            FactBody::ClientUpdated { .. } => self.clients_changed += 1,
            FactBody::CheckInDue { .. } => self.check_ins += 1,
            FactBody::CheckInSubmitted { .. } => self.submitted += 1,
            FactBody::CheckInWithdrawn { .. } => self.withdrawn += 1,
            _ => {}
        }
    }
}

/// What is to be known of deliveries before they are taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// What they would teach.
    pub learned: Learned,
    /// Ids in them that are known in another spelling.
    pub respelt: BTreeSet<Respelt>,
    /// Of whom they say again what was told otherwise since, or who would be followed up again: they may be older than
    /// what is known.
    pub turned_back: BTreeSet<ClientId>,
    /// The check-ins whose day has come, that are open, and of which they say nothing: whose, and the day.
    pub unnamed: BTreeSet<(ClientId, Date)>,
    /// When a list last told something, before them.
    pub told_at: Option<Timestamp>,
}

/// What these deliveries of `source` would teach. Nothing is stored.
pub async fn would_teach(
    engine: &Engine,
    source: &str,
    bodies: &[Vec<u8>],
) -> Result<Learned, EngineError> {
    Ok(look(engine, source, bodies).await?.learned)
}

/// Looks at deliveries of `source`. Nothing is stored.
pub async fn look(engine: &Engine, source: &str, bodies: &[Vec<u8>]) -> Result<Look, EngineError> {
    let mut known: BTreeMap<ClientId, Option<Vec<FactRow>>> = BTreeMap::new();
    let mut ids = KnownIds::default();
    let mut look = Look {
        told_at: list_silence::told_at(engine).await?,
        ..Look::default()
    };
    let mut named: BTreeSet<(ClientId, CheckInId)> = BTreeSet::new();
    for body in bodies {
        let receipt = receipt(engine, source, "import", body);
        let mut told: BTreeMap<ClientId, Vec<Fact>> = BTreeMap::new();
        for fact in facts(engine, &receipt)? {
            let check_in = repeats::check_in_of(&fact.body).cloned();
            named.extend(check_in.map(|id| (fact.client.clone(), id)));
            told.entry(fact.client.clone()).or_default().push(fact);
        }
        for (client, mut told) in told {
            if !known.contains_key(&client) {
                let of_her = facts_of(engine, &client).await?;
                if of_her.as_ref().is_some_and(Vec::is_empty) {
                    look.respelt.extend(ids.respelt(engine, &client).await?);
                }
                known.insert(client.clone(), of_her);
            }
            let Some(Some(of_her)) = known.get_mut(&client) else {
                continue;
            };
            look.respelt
                .extend(take_respelt_check_ins(of_her, &mut told));
            let said = Said::of(engine, &client).await?;
            let heard = repeats::hear(of_her, &said, &told);
            if repeats::turns_back(of_her, &heard.news) {
                look.turned_back.insert(client);
            }
            look.learned.outdated += heard.outdated;
            for fact in heard.news {
                look.learned.count(&fact);
                of_her.push(FactRow {
                    fact,
                    receipt: Some(receipt.id),
                    learned_at: receipt.received_at,
                });
            }
        }
    }
    look.learned.clients = known.len();
    look.learned.left_out = known.values().filter(|of_her| of_her.is_none()).count();
    look.unnamed = unnamed(engine, &named).await?;
    Ok(look)
}

/// What is open and has come due, but for what is `named`.
async fn unnamed(
    engine: &Engine,
    named: &BTreeSet<(ClientId, CheckInId)>,
) -> Result<BTreeSet<(ClientId, Date)>, EngineError> {
    let today = engine.calendar.date_of(engine.now());
    let tomorrow = today.tomorrow().unwrap_or(today);
    let open = engine.ports.portal.open_check_ins(tomorrow).await?;
    let open = open.listed.into_iter().map(|(client, one)| {
        let due = one.due;
        ((client, one.id), due)
    });
    let unnamed = open.filter(|(whose, _)| !named.contains(whose));
    Ok(unnamed.map(|((client, _), due)| (client, due)).collect())
}

/// What is known of a client; `None`: a row about her can't be read, which keeps nobody else's from being taken in.
async fn facts_of(engine: &Engine, client: &ClientId) -> Result<Option<Vec<FactRow>>, EngineError> {
    match engine.store.facts(client).await.map_err(EngineError::from) {
        Ok(facts) => Ok(Some(facts)),
        Err(error) if unreadable(&error).is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes these deliveries of `source` in, as brought by `by`. Answers with what was stored of them.
pub async fn import(
    engine: &Engine,
    source: &str,
    bodies: &[Vec<u8>],
    by: &str,
) -> Result<Learned, EngineError> {
    let foretold = would_teach(engine, source, bodies).await?;
    let verified_by = format!("import:{by}");
    let receipts = bodies
        .iter()
        .map(|body| receipt(engine, source, &verified_by, body));
    let receipts: Vec<Receipt> = receipts.collect();
    let ids: Vec<ReceiptId> = receipts.iter().map(|receipt| receipt.id).collect();
    let mut ops: Vec<Op> = receipts.into_iter().map(Op::InsertReceipt).collect();
    ops.push(Op::Audit(AuditEntry {
        at: engine.now(),
        who: by.to_owned(),
        what: "import".to_owned(),
        object: source.to_owned(),
        detail: json!({ "receipts": ids, "would_teach": foretold }),
    }));
    engine.commit(RECEIVE, ops).await?;
    intake::intake(engine).await?;
    engine.wake.notify_one();
    let mut learned = Learned {
        clients: foretold.clients,
        left_out: foretold.left_out,
        outdated: foretold.outdated,
        ..Learned::default()
    };
    for id in ids {
        count_stored(engine, id, &mut learned).await?;
    }
    Ok(learned)
}

/// Counts what a receipt has taught. One that repeats another that was not read yet is as good as that one.
async fn count_stored(
    engine: &Engine,
    id: ReceiptId,
    learned: &mut Learned,
) -> Result<(), EngineError> {
    let of = engine.store.receipt(id).await?;
    let of = match of.and_then(|receipt| receipt.duplicate_of) {
        Some(original) => original,
        None => id,
    };
    let stored = engine.store.receipt(of).await?;
    if stored.is_some_and(|receipt| receipt.state == ReceiptState::New) {
        learned.unread += 1;
    }
    for row in engine.store.facts_of_receipt(of).await? {
        learned.count(&row.fact);
    }
    Ok(())
}

fn receipt(engine: &Engine, source: &str, verified_by: &str, body: &[u8]) -> Receipt {
    let now = engine.now();
    Receipt {
        id: ReceiptId::new(engine.random.as_ref(), now),
        source: source.to_owned(),
        // Known as long as it is not read: what it says may be news again afterwards.
        dedupe_key: format!("import/{}", hex::encode(Sha256::digest(body))),
        dedupe_forever: false,
        verified_by: verified_by.to_owned(),
        received_at: now,
        content_type: None,
        body: body.to_vec(),
        state: ReceiptState::New,
        duplicate_of: None,
        note: None,
        processed_at: None,
    }
}

fn facts(engine: &Engine, receipt: &Receipt) -> Result<Vec<Fact>, EngineError> {
    let mut sources = engine.sources.iter();
    let source = sources.find(|source| source.name() == receipt.source);
    let parsed = source.map(|source| source.parse(receipt));
    match parsed {
        Some(Parsed::Content { facts, .. }) => Ok(facts),
        Some(Parsed::Quarantine { reason, .. }) => Err(EngineError::Refused(reason)),
        Some(Parsed::Engagement { .. }) | None => Err(EngineError::Refused(
            "nothing of that kind is read here".to_owned(),
        )),
    }
}
