//! Every variant of every stored structure, as values: what the corpus keeps as text, and what rows
//! made by hand are made of.

use std::collections::BTreeMap;
use std::path::Path;

use relay_core::case::{CaseStatus, Mode, Wait};
use relay_core::channel::{
    EmailRecord, EngagementEvent, EngagementKind, EngagementSource, MailEvidence,
};
use relay_core::clients::{
    AddressState, Author, BillingSnapshot, Card, CheckIn, ClientSnapshot, ClientStatus, Coach,
    ContactSnapshot, PortalMessage, Subscription,
};
use relay_core::effects::{CardRemoval, EffectInput, EffectKind, Request, Settled};
use relay_core::facts::{CallOutcome, Fact, FactBody, Order};
use relay_core::ids::EffectKey;
use relay_core::procedure::MissedCheckInProcedure;
use relay_core::time::{Date, Timestamp};
use relay_core::workflow::{Action, GuardReading, Input, NewWork, PortalReading, ReadKind};
use relay_store::EffectState;
use serde::Serialize;
use serde_json::{Value, json};

/// The file in a folder of the corpus.
pub(crate) const FILE: &str = "texts.json";

fn date() -> Date {
    "2026-11-03".parse().expect("a date")
}

fn instant() -> Timestamp {
    "2026-11-13T16:00:00Z".parse().expect("an instant")
}

fn key() -> EffectKey {
    EffectKey("019a0000-0000-7000-8000-000000000000/email_follow_up/1/email".to_owned())
}

/// What is wanted, of each kind.
pub(crate) fn input(kind: EffectKind) -> EffectInput {
    let (reason, tag) = ("Program ended".to_owned(), "Follow-up: email".to_owned());
    let made_by = EffectKey(key().0.replace("email", "call"));
    match kind {
        EffectKind::PortalMessage => EffectInput::PortalMessage {
            script: "S1".to_owned(),
            due: date(),
        },
        EffectKind::PortalNote => EffectInput::PortalNote {
            text: "Check-in due November 3: follow-up by email.".to_owned(),
        },
        EffectKind::Email => EffectInput::Email {
            script: "S2".to_owned(),
            due: date(),
        },
        EffectKind::CallTask => EffectInput::CallTask {
            script: "S3".to_owned(),
            due: date(),
            reason: "last 3 emails unopened".to_owned(),
            call_by: date(),
        },
        EffectKind::CloseTask => EffectInput::CloseTask { made_by, reason },
        EffectKind::ReassignTask => EffectInput::ReassignTask {
            made_by,
            coach: "coach_cleo".into(),
        },
        EffectKind::ContactNote => EffectInput::ContactNote {
            title: "Missed check-in".to_owned(),
            text: "Follow-up by email.".to_owned(),
        },
        EffectKind::AddTag => EffectInput::AddTag { tag },
        EffectKind::RemoveTag => EffectInput::RemoveTag { tag },
        EffectKind::ContactType => EffectInput::ContactType {
            value: "In-Person".to_owned(),
        },
        EffectKind::AutoChargeOff => EffectInput::AutoChargeOff {
            subscription: "901".into(),
            reason,
        },
        EffectKind::DeactivateSubscription => EffectInput::DeactivateSubscription {
            subscription: "901".into(),
            reason,
        },
        EffectKind::RemoveCard => EffectInput::RemoveCard {
            subscription: "901".into(),
            payment_method: "801".into(),
            mode: CardRemoval::Deactivate,
        },
    }
}

/// What goes out, of each kind.
pub(crate) fn request(kind: EffectKind) -> Request {
    let (client, author) = ("nell".into(), "coach_beth".into());
    let (contact, user) = ("632".into(), "11".into());
    let (text, title) = ("The text.".to_owned(), "The title".to_owned());
    let (tag, reason) = ("Follow-up: email".to_owned(), "Program ended".to_owned());
    match kind {
        EffectKind::PortalMessage => Request::PortalMessage {
            client,
            author,
            text,
        },
        EffectKind::PortalNote => Request::PortalNote {
            client,
            author,
            text,
        },
        EffectKind::Email => Request::Email {
            contact,
            user,
            subject: "Your check-in was due November 3".to_owned(),
            text,
        },
        EffectKind::CallTask => Request::CallTask {
            contact,
            user,
            title,
            description: text,
            due: instant(),
        },
        EffectKind::CloseTask => Request::CloseTask { task: "41".into() },
        EffectKind::ReassignTask => Request::ReassignTask {
            task: "41".into(),
            user,
        },
        EffectKind::ContactNote => Request::ContactNote {
            contact,
            user,
            title,
            text,
        },
        EffectKind::AddTag => Request::AddTag { contact, tag },
        EffectKind::RemoveTag => Request::RemoveTag { contact, tag },
        EffectKind::ContactType => Request::ContactType {
            contact,
            value: "In-Person".to_owned(),
        },
        EffectKind::AutoChargeOff => Request::AutoChargeOff {
            contact,
            subscription: "901".into(),
            reason,
        },
        EffectKind::DeactivateSubscription => Request::DeactivateSubscription {
            contact,
            subscription: "901".into(),
            reason,
        },
        EffectKind::RemoveCard => Request::RemoveCard {
            contact,
            payment_method: "801".into(),
            mode: CardRemoval::Delete,
        },
    }
}

/// How the one request of an intent ended, for an effect in this state.
pub(crate) fn outcome(state: EffectState) -> Option<&'static str> {
    match state {
        EffectState::Unclear | EffectState::Unsettled => Some("unclear"),
        EffectState::Done => Some("done"),
        EffectState::Dead => Some("permanent"),
        _ => None,
    }
}

/// How an effect in this state has ended, if it has.
pub(crate) fn settled(state: EffectState) -> Option<Settled> {
    let reason = "the vendor refuses it".to_owned();
    match state {
        EffectState::Planned | EffectState::Intended | EffectState::Unclear => None,
        EffectState::Done => Some(Settled::Done {
            at: instant(),
            vendor_ref: Some("77".to_owned()),
            by_probe: true,
        }),
        EffectState::Proposed => Some(Settled::Proposed),
        EffectState::Overtaken => Some(Settled::Overtaken {
            by: "a check-in".to_owned(),
        }),
        EffectState::Held => Some(Settled::Held { reason }),
        EffectState::Dead => Some(Settled::Dead { reason }),
        EffectState::Unsettled => Some(Settled::Unclear {
            evidence: "not among the last 50".to_owned(),
        }),
        EffectState::Cancelled => Some(Settled::Cancelled),
    }
}

fn client() -> ClientSnapshot {
    ClientSnapshot {
        id: "nell".into(),
        first_name: Some("Nell".to_owned()),
        last_name: Some("Winters".to_owned()),
        status: ClientStatus::Online,
        coach: Some("coach_beth".into()),
        email: Some("nell@example.test".to_owned()),
        phone: Some("303-555-0142".to_owned()),
        time_zone: Some("America/Denver".to_owned()),
        last_regimen_change: Some(date()),
        contact: Some("632".into()),
        break_until: Some(date()),
    }
}

fn check_in() -> CheckIn {
    CheckIn {
        id: "ci_nell".into(),
        due: date(),
        due_at: Some(instant()),
        submitted_at: Some(instant()),
        withdrawn: false,
    }
}

fn billing() -> BillingSnapshot {
    BillingSnapshot {
        read_at: instant(),
        subscriptions: vec![Subscription {
            id: "901".into(),
            name: "Monthly Coaching Support Fee".to_owned(),
            coaching: true,
            active: true,
            auto_charge: true,
            payment_method: Some("801".into()),
            next_bill_date: Some(date()),
            last_bill_date: Some(date()),
        }],
        cards: vec![Card {
            id: "801".into(),
            label: "Visa 1111".to_owned(),
        }],
        open_orders: vec!["order 5".to_owned()],
    }
}

fn contact(address: AddressState) -> ContactSnapshot {
    ContactSnapshot {
        id: "632".into(),
        first_name: Some("Nell".to_owned()),
        email: Some("nell@example.test".to_owned()),
        phone: Some("303-555-0142".to_owned()),
        address,
        twins: vec!["990".into()],
    }
}

/// What a guard has read, every part of it.
pub(crate) fn reading() -> GuardReading {
    GuardReading {
        read_at: instant(),
        portal: Some(PortalReading {
            client: client(),
            check_ins: vec![check_in()],
            messages: vec![PortalMessage {
                id: "msg_1".into(),
                author: Author::Client,
                coach: Some("coach_beth".into()),
                sent_at: instant(),
                text: "An invented message.".to_owned(),
            }],
        }),
        coach: Some(Coach {
            id: "coach_beth".into(),
            name: "Beth".to_owned(),
            email: "beth@clinic.example.test".to_owned(),
            crm_user: Some("11".into()),
        }),
        contact: Some(contact(AddressState::Deliverable)),
        billing: Some(billing()),
        task: Some("41".into()),
        no_contact: None,
        contact_type: Some("Online".to_owned()),
        address_confirmed: false,
    }
}

fn event(source: EngagementSource) -> EngagementEvent {
    EngagementEvent {
        at: instant(),
        kind: EngagementKind::Click,
        exact: true,
        seen_at: instant(),
        source,
        email: Some("31".into()),
        sent_at: Some(instant()),
        label: Some("News".to_owned()),
        link: Some("https://clinic.example.test/".to_owned()),
    }
}

fn evidence(address: AddressState) -> MailEvidence {
    MailEvidence {
        read_at: instant(),
        address,
        has_phone: true,
        emails: vec![EmailRecord {
            id: "31".into(),
            subject: Some("News".to_owned()),
            sent_at: instant(),
            opened_at: Some(instant()),
            clicked_at: Some(instant()),
            replied_at: Some(instant()),
        }],
        unreadable: Some("the CRM does not answer".to_owned()),
        engagement: EngagementSource::ALL.map(event).to_vec(),
        address_unread: true,
    }
}

fn addresses() -> Vec<AddressState> {
    vec![
        AddressState::Deliverable,
        AddressState::NeverMailed,
        AddressState::Undeliverable("HARD_BOUNCE".to_owned()),
        AddressState::OptedOut("LIST_UNSUBSCRIBE".to_owned()),
        AddressState::Missing,
        AddressState::Unknown("NEW_WORD".to_owned()),
    ]
}

fn statuses() -> Vec<ClientStatus> {
    [
        "online",
        "in_person",
        "on_break",
        "quit",
        "graduated",
        "transition_call_only",
        "sabbatical",
    ]
    .map(ClientStatus::from)
    .to_vec()
}

fn orders() -> Vec<Order> {
    vec![
        Order::SetContactType {
            value: "In-Person".to_owned(),
        },
        Order::CancelSubscription {
            reason: "Program ended".to_owned(),
            card: CardRemoval::Keep,
        },
    ]
}

/// A fact of every kind.
pub(crate) fn fact_bodies() -> Vec<FactBody> {
    let (check_in_id, due) = ("ci_nell".into(), date());
    let mut all = vec![
        FactBody::CheckInDue {
            check_in: check_in_id,
            due,
            due_at: Some(instant()),
        },
        FactBody::CheckInSubmitted {
            check_in: "ci_nell".into(),
            complete: false,
        },
        FactBody::CheckInRescheduled {
            check_in: "ci_nell".into(),
            due,
        },
        FactBody::CheckInWithdrawn {
            check_in: "ci_nell".into(),
        },
        FactBody::CheckInMissed {
            check_in: check_in(),
            client: Box::new(client()),
        },
        FactBody::ClientReplied {
            message: Some("msg_1".into()),
            channel: "portal".to_owned(),
        },
        FactBody::CoachWrote {
            message: "msg_2".into(),
            coach: Some("coach_beth".into()),
        },
        FactBody::MessageRead {
            message: "msg_2".into(),
        },
        FactBody::RegimenChanged { on: due },
        FactBody::ClientUpdated {
            client: Box::new(client()),
        },
        FactBody::ProgramEnded,
        FactBody::ProgramReactivated,
        FactBody::MailRead {
            evidence: Box::new(evidence(AddressState::Deliverable)),
        },
        FactBody::Engaged {
            event: Box::new(event(EngagementSource::Post)),
        },
        FactBody::ContactGone,
        FactBody::BillingRead {
            twins: vec!["990".into()],
            billing: Box::new(billing()),
        },
    ];
    all.extend(CallOutcome::ALL.map(|outcome| FactBody::CallTaskChanged {
        task: "41".into(),
        completed: true,
        outcome: Some(outcome),
    }));
    all.extend(orders().into_iter().map(|order| FactBody::Ordered {
        by: "Robin".to_owned(),
        order,
    }));
    all
}

fn actions() -> Vec<Action> {
    let reason = "she called".to_owned();
    let mut all = vec![
        Action::Pause {
            reason: reason.clone(),
        },
        Action::Resume,
        Action::Close { reason },
        Action::Promised { until: date() },
        Action::DoneByHand,
        Action::SendAnyway,
        Action::Skip,
    ];
    all.extend(CallOutcome::ALL.map(|outcome| Action::CallOutcome { outcome }));
    all
}

fn all_settled() -> Vec<Settled> {
    let mut all = vec![Settled::AlreadyTrue];
    all.extend(EffectState::ALL.iter().filter_map(|state| settled(*state)));
    all
}

fn inputs() -> Vec<Input> {
    let mut all = vec![Input::Timer { generation: 3 }];
    all.extend(fact_bodies().into_iter().map(|body| Input::Fact {
        fact: Fact {
            client: "nell".into(),
            object: "ci_nell".to_owned(),
            source_time: instant(),
            body,
        },
    }));
    all.extend(all_settled().into_iter().map(|settled| Input::Effect {
        key: key(),
        settled,
    }));
    for what in [ReadKind::MailHistory, ReadKind::Billing] {
        all.push(Input::ReadFailed {
            what,
            reason: "the CRM does not answer".to_owned(),
        });
    }
    all.extend(actions().into_iter().map(|action| Input::Person {
        by: "Robin".to_owned(),
        action,
    }));
    all
}

fn waits() -> Vec<Wait> {
    let why = "the client's answer".to_owned();
    vec![
        Wait::Timer {
            until: instant(),
            why: why.clone(),
        },
        Wait::Person {
            who: "coach_beth".to_owned(),
            why,
            remind_at: instant(),
        },
        Wait::Effect { key: key() },
        Wait::Read {
            what: "mail_history".to_owned(),
        },
    ]
}

fn case_statuses() -> Vec<CaseStatus> {
    let reason = "she replied".to_owned();
    vec![
        CaseStatus::Open,
        CaseStatus::Paused {
            reason: reason.clone(),
        },
        CaseStatus::Held {
            reason: reason.clone(),
        },
        CaseStatus::Closed { reason },
    ]
}

/// What a work item of each kind holds for its person, as the engine writes it.
pub(crate) fn detail(kind: &str) -> Value {
    match kind {
        "hold" | "held" => {
            json!({ "reason": "nothing was sent", "ready": request(EffectKind::Email) })
        }
        "call_outcome" => json!({ "escalate": { "to": "program_manager", "at": instant() } }),
        "billing" => json!({ "subscription": "901", "active": true, "auto_charge": true,
                             "next_bill_date": date() }),
        "stale" => json!({ "step": "by_hand", "changed_at": instant() }),
        _ => json!({ "reason": "something to look at" }),
    }
}

/// What a job of each kind needs, where no job of that kind is to be found: what it names is not
/// there any more.
pub(crate) fn payload(kind: &str) -> Value {
    let hint = json!({ "object": "contact", "id": "99901", "at": instant(), "deleted": false });
    let case = "019a0000-0000-7000-8000-000000000000";
    match kind {
        "timer" => json!({ "case": case, "generation": 1 }),
        "effect" => json!({ "effect": key(), "kind": EffectKind::Email }),
        "read" => json!({ "case": case, "read": ReadKind::MailHistory,
                          "step": "choose_channel", "visit": 1 }),
        "missed_check" => json!({ "check_in": "ci_nobody", "due": date(), "due_at": instant() }),
        "reread" => json!({ "hint": hint, "receipt": "gap/2026-11-13T16:00:00Z" }),
        "reread_batch" => json!({ "from": "gap/2026-11-13T16:00:00Z",
                                  "contacts": [{ "hint": hint, "clients": ["nell"] }] }),
        "refresh" => json!({ "case": case }),
        "engagement_read" => json!({ "contact": "99901", "moved_at": instant(),
                                     "queued_at": instant() }),
        "reminder" => json!({ "work_item": case }),
        _ => json!({}),
    }
}

/// A vendor's pace with everything there is to remember.
pub(crate) fn pace() -> Value {
    let at = instant();
    let last = json!({ "turn": at, "behind": at });
    json!({
        "budget": { "full_at": at },
        "quota": {
            "known": [
                { "window": "key_minute", "available": 3, "limit": 240, "until": at },
                { "window": "key_day", "available": 3, "limit": null, "until": at },
                { "window": "tenant_minute", "available": 3, "limit": 240, "until": at },
                { "window": "tenant_day", "available": 3, "limit": 9000, "until": at },
            ],
            "spread_until": at,
        },
        "breaker": { "failures": 1, "openings": 1, "open_until": at, "trial_until": at },
        "paused_until": at,
        "refusals": 1,
        "line": { "background": last, "normal": last, "deadline": last },
        "cost": 24,
        "trouble": { "since": at, "last": at, "until": at, "why": "used_up",
                     "window": "key_day", "told": true },
        "kept_at": at,
        "set_back": false,
    })
}

/// Every setting there is, by its key.
pub(crate) fn settings(now: Timestamp) -> Vec<(&'static str, Value)> {
    vec![
        (
            "outreach",
            json!({ "stopped": true, "by": "Robin", "at": now, "reason": null }),
        ),
        ("seen/contact/651", json!(now)),
        ("seen/task/41", json!(now)),
        ("seen/subscription/901", json!(now)),
        ("stopped_subscription/901", json!("cora")),
        (
            "hook_watch",
            json!({
                "looked_at": now,
                "events": { "contact.edit": {
                    "awake_at": now, "missing_since": now, "not_offered": false, "tries": 1,
                    "next_try": now, "problem": "it sleeps",
                    "last_gap": { "from": now, "until": now },
                } },
                "recovered": { "contact": { "at": now, "changes": 1, "total": 2 } },
            }),
        ),
        ("hook_watch/asked", json!({ "since": now, "at": now })),
        ("hook_paths/closed", json!({ "old": "0a0b0c0d" })),
        ("hook_handshake/keap", json!(now)),
        ("engagement_watermark", json!(now)),
        ("engagement_cursor", json!("651")),
        ("switched_on/missed_check_in/propose", json!(now)),
        (
            "clock",
            json!({ "real": now, "procedure": now, "scale": 1 }),
        ),
    ]
}

fn values<T: Serialize>(all: impl IntoIterator<Item = T>) -> Vec<Value> {
    all.into_iter()
        .map(|one| serde_json::to_value(one).expect("JSON"))
        .collect()
}

/// Every stored structure with all its variants, as this version writes them.
pub(crate) fn all() -> BTreeMap<String, Vec<Value>> {
    let shipped = MissedCheckInProcedure::shipped().expect("the shipped procedure");
    let body = shipped.to_body().expect("a body");
    let work = NewWork {
        kind: "hold".to_owned(),
        owner: "coach_beth".to_owned(),
        title: "Held".to_owned(),
        detail: detail("hold"),
        actions: vec!["resume".to_owned()],
        due: instant(),
        remind_at: instant(),
    };
    let members = [
        ("EffectInput", values(EffectKind::ALL.map(input))),
        ("Request", values(EffectKind::ALL.map(request))),
        ("EffectKind", values(EffectKind::ALL)),
        ("Settled", values(all_settled())),
        ("Input", values(inputs())),
        ("Action", values(actions())),
        ("FactBody", values(fact_bodies())),
        ("Order", values(orders())),
        ("Wait", values(waits())),
        ("CaseStatus", values(case_statuses())),
        ("Mode", values([Mode::Propose, Mode::Act])),
        ("ClientStatus", values(statuses())),
        ("ClientSnapshot", values([client()])),
        (
            "ContactSnapshot",
            values(addresses().into_iter().map(contact)),
        ),
        (
            "MailEvidence",
            values(addresses().into_iter().map(evidence)),
        ),
        ("BillingSnapshot", values([billing()])),
        ("GuardReading", values([reading()])),
        ("NewWork", values([work])),
        ("Parameters", values([shipped.parameters.clone()])),
        ("Scripts", values([shipped.scripts.clone()])),
        ("ProcedureBody", vec![body]),
        ("Pace", vec![pace()]),
    ];
    members
        .into_iter()
        .map(|(name, values)| (name.to_owned(), values))
        .collect()
}

/// Writes the texts of this version.
pub(crate) fn write(folder: &Path) {
    let text = serde_json::to_string_pretty(&all()).expect("JSON");
    std::fs::write(folder.join(FILE), text + "\n").expect("written");
}
