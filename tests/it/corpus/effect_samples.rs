//! A sample of each kind of effect: what is wanted, what goes out, how it ends.

use relay_core::effects::{
    About, AskedAgain, CardRemoval, EffectInput, EffectKind, Request, Settled, request,
};
use relay_core::ids::EffectKey;
use relay_store::EffectState;

use super::samples::{date, instant, item, key};

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
            about: Some(About::new("followed_up_by_email", date())),
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
        EffectKind::CloseTask => EffectInput::CloseTask {
            made_by,
            reason,
            called: false,
            went_out: None,
        },
        EffectKind::ReassignTask => EffectInput::ReassignTask {
            made_by,
            coach: "coach_cleo".into(),
        },
        EffectKind::WorkTask => EffectInput::WorkTask {
            of: None,
            items: vec![item()],
            coach: "coach_beth".into(),
            again: Some(AskedAgain::Ticked),
            about: About::new("0198-2", date()),
        },
        EffectKind::ContactNote => EffectInput::ContactNote {
            title: "Missed check-in".to_owned(),
            text: "Follow-up by email.".to_owned(),
            about: Some(About::new("followed_up_by_email", date())),
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
        EffectKind::PortalMessage => Request::PortalMessage(request::PortalMessage {
            client,
            author,
            text,
        }),
        EffectKind::PortalNote => Request::PortalNote(request::PortalNote {
            client,
            author: None,
            text,
        }),
        EffectKind::Email => Request::Email(request::Email {
            contact,
            user,
            subject: "Your check-in was due November 3".to_owned(),
            text,
        }),
        EffectKind::CallTask => Request::CallTask(request::CallTask {
            contact,
            user,
            title,
            description: text,
            due: instant(),
        }),
        EffectKind::CloseTask => Request::CloseTask(request::CloseTask {
            task: "41".into(),
            called: false,
            went_out: None,
        }),
        EffectKind::ReassignTask => Request::ReassignTask(request::ReassignTask {
            task: "41".into(),
            user,
        }),
        EffectKind::WorkTask => Request::WorkTask(request::WorkTask {
            contact: Some(contact),
            user,
            title,
            description: text,
            due: instant(),
            goes_out: Some(instant()),
        }),
        EffectKind::ContactNote => Request::ContactNote(request::ContactNote {
            contact,
            user,
            title,
            text,
        }),
        EffectKind::AddTag => Request::AddTag(request::AddTag { contact, tag }),
        EffectKind::RemoveTag => Request::RemoveTag(request::RemoveTag { contact, tag }),
        EffectKind::ContactType => Request::ContactType(request::ContactType {
            contact,
            value: "In-Person".to_owned(),
        }),
        EffectKind::AutoChargeOff => Request::AutoChargeOff(request::AutoChargeOff {
            contact,
            subscription: "901".into(),
            reason,
        }),
        EffectKind::DeactivateSubscription => {
            Request::DeactivateSubscription(request::DeactivateSubscription {
                contact,
                subscription: "901".into(),
                reason,
            })
        }
        EffectKind::RemoveCard => Request::RemoveCard(request::RemoveCard {
            contact,
            payment_method: "801".into(),
            mode: CardRemoval::Delete,
        }),
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
        EffectState::Held => Some(Settled::Held {
            reason,
            command: None,
            minor: None,
            lifts: true,
        }),
        EffectState::Dead => Some(Settled::Dead {
            reason,
            technical: None,
        }),
        EffectState::Unsettled => Some(Settled::Unclear {
            evidence: "not among the last 50".to_owned(),
        }),
        EffectState::Cancelled => Some(Settled::Cancelled),
    }
}
