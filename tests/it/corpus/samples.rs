//! A value of every variant of every stored structure.

use relay_core::answers::StopReason;
use relay_core::case::{CaseStatus, Wait};
use relay_core::channel::{
    EmailRecord, EmailSender, EngagementEvent, EngagementKind, EngagementSource, MailEvidence,
};
use relay_core::clients::{
    AddressState, Author, BillingSnapshot, Card, CheckIn, ClientSnapshot, ClientStatus, Coach,
    ContactSnapshot, PortalMessage, Subscription,
};
use relay_core::effects::{CardRemoval, Settled};
use relay_core::facts::{CallOutcome, Fact, FactBody, Order, StaffWord};
use relay_core::ids::{EffectKey, WorkItemId};
use relay_core::time::{Date, Timestamp};
use relay_core::workflow::{
    Action, GuardReading, Input, NotOffered, PortalReading, ReadKind, Silence,
};
use relay_store::EffectState;

pub(crate) use super::effect_samples::{input, outcome, request, settled};

pub(super) fn date() -> Date {
    "2026-11-03".parse().expect("a date")
}

pub(super) fn instant() -> Timestamp {
    "2026-11-13T16:00:00Z".parse().expect("an instant")
}

pub(super) fn key() -> EffectKey {
    EffectKey("019a0000-0000-7000-8000-000000000000/email_follow_up/1/email".to_owned())
}

/// The id of a work item.
pub(super) fn item() -> WorkItemId {
    WorkItemId::new(&relay_core::random::SeededRandom::new(1), instant())
}

pub(super) fn client() -> ClientSnapshot {
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
        minor: Some(true),
        guardian: Some("Carla Ruiz".to_owned()),
    }
}

pub(super) fn check_in() -> CheckIn {
    CheckIn {
        id: "ci_nell".into(),
        due: date(),
        due_at: Some(instant()),
        submitted_at: Some(instant()),
        withdrawn: false,
    }
}

pub(super) fn billing() -> BillingSnapshot {
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

pub(super) fn contact(address: AddressState) -> ContactSnapshot {
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
                key: Some("relay:0123456789abcdef0123".to_owned()),
            }],
            page: Some("https://portal.example.test/clients/nell".to_owned()),
        }),
        coach: Some(Coach {
            id: "coach_beth".into(),
            name: "Beth".to_owned(),
            email: "beth@clinic.example.test".to_owned(),
            crm_user: Some("11".into()),
        }),
        stands_in: None,
        contact: Some(contact(AddressState::Deliverable)),
        billing: Some(billing()),
        task: Some("41".into()),
        no_contact: None,
        contact_type: Some("Online".to_owned()),
        address_confirmed: false,
        not_offered: NotOffered {
            records: relay_core::clients::Records::Portal,
            messages: false,
            notes: true,
            crm: true,
        },
        silence: Silence::Consent { from: instant() },
    }
}

pub(super) fn event(source: EngagementSource) -> EngagementEvent {
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

pub(super) fn evidence(address: AddressState) -> MailEvidence {
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
            sender: Some(EmailSender::Clinic),
        }],
        unreadable: Some("the CRM does not answer".to_owned()),
        engagement: EngagementSource::ALL.map(event).to_vec(),
        address_unread: true,
        not_told: true,
    }
}

pub(super) fn addresses() -> Vec<AddressState> {
    vec![
        AddressState::Deliverable,
        AddressState::NeverMailed,
        AddressState::Undeliverable("HARD_BOUNCE".to_owned()),
        AddressState::OptedOut("LIST_UNSUBSCRIBE".to_owned()),
        AddressState::Missing,
        AddressState::Unknown("NEW_WORD".to_owned()),
    ]
}

pub(super) fn statuses() -> Vec<ClientStatus> {
    [
        "online",
        "in_person",
        "on_break",
        "quit",
        "graduated",
        "maintenance",
        "transition_call_only",
        "sabbatical",
    ]
    .map(ClientStatus::from)
    .to_vec()
}

pub(super) fn orders() -> Vec<Order> {
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
    all.extend(StaffWord::ALL.map(|word| FactBody::StaffSaid {
        word,
        by: "the tag \"Follow-up: pause\"".to_owned(),
        kept: true,
    }));
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

pub(super) fn actions() -> Vec<Action> {
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
        Action::Handled,
        Action::Replied,
        Action::NoReply,
    ];
    all.extend(StopReason::ALL.map(|why| Action::StopOutreach { why }));
    all.extend(CallOutcome::ALL.map(|outcome| Action::CallOutcome { outcome }));
    all
}

pub(super) fn all_settled() -> Vec<Settled> {
    let mut all = vec![Settled::AlreadyTrue];
    all.extend(EffectState::ALL.iter().filter_map(|state| settled(*state)));
    all
}

pub(super) fn inputs() -> Vec<Input> {
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

pub(super) fn waits() -> Vec<Wait> {
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

pub(super) fn case_statuses() -> Vec<CaseStatus> {
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
