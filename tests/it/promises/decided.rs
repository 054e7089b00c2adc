//! Promises 4 to 6: who may stop a fee, what may be said, and why it was decided so.

use std::sync::Arc;

use clear_relay::engine::commands::cases;
use clear_relay::sandbox::cast::Cast;
use clear_relay::sandbox::play::{Options, Play};
use relay_core::case::Mode;
use relay_core::channel::{ChannelDecision, MailEvidence};
use relay_core::effects::Audience;
use relay_core::facts::{Fact, FactBody, Order};
use relay_core::procedure::MissedCheckInProcedure;
use relay_core::scripts::{Assertion, Truth};
use relay_core::workflow::Workflow;
use relay_core::workflows::cancel_subscription::{self, CancelSubscription};
use relay_core::workflows::missed_check_in::MissedCheckIn;
use relay_core::workflows::set_contact_type::SetContactType;
use relay_store::Store;

use super::frozen;
use crate::corpus::rows;
use crate::edge::clinic::{Clinic, Person, at};

/// Ending a program is not built; what is: no fee stops and no card is touched but by the order of a
/// person who is named, and nothing that arrives by a webhook is such an order.
#[tokio::test]
async fn promise_4_no_fee_stops_without_a_persons_order() {
    let shipped = MissedCheckInProcedure::shipped().expect("the shipped procedure");
    let workflows: [Box<dyn Workflow>; 3] = [
        Box::new(MissedCheckIn::new(shipped)),
        Box::new(CancelSubscription::new(Mode::Act)),
        Box::new(SetContactType::new(Mode::Act)),
    ];
    for body in crate::corpus::fact_bodies() {
        let told = format!("{body:?}");
        let fee = matches!(
            &body,
            FactBody::Ordered {
                order: Order::CancelSubscription { .. },
                ..
            }
        );
        let fact = Fact {
            client: "maya".into(),
            object: "x".to_owned(),
            source_time: at("2026-11-04 09:00"),
            body,
        };
        for workflow in &workflows {
            let opens = workflow.opens_on(&fact);
            let stops_fees = workflow.name() == cancel_subscription::NAME;
            assert!(!stops_fees || opens == fee, "{told}");
        }
    }
    // Everything that a clinic of three weeks has planned, in whatever state it is.
    let (_folder, store) = frozen().await;
    let mut orders = 0;
    for effect in rows::effects(&store).await {
        let case = effect.scope().case().expect("all are of cases");
        let case = store.case(case).await.expect("a store");
        let case = case.expect("its case");
        if effect.kind().audience() != Audience::Billing {
            continue;
        }
        assert_eq!(
            case.procedure,
            cancel_subscription::NAME,
            "{}",
            effect.key()
        );
        let facts = store.facts(&case.client).await.expect("facts");
        let ordered = facts.iter().any(|row| match &row.fact.body {
            FactBody::Ordered {
                by,
                order: Order::CancelSubscription { .. },
            } => {
                assert_eq!(row.receipt, None, "no webhook orders");
                !by.is_empty() && row.learned_at <= effect.created_at
            }
            _ => false,
        });
        assert!(ordered, "{} has no order", effect.key());
        orders += 1;
    }
    assert!(orders > 20, "the corpus has billing");
}

/// For every set of things that may be so, no script is chosen that says one that is not; and a
/// message that has become false while it waited is held for the coach, with the text.
#[tokio::test]
async fn promise_5_no_sent_sentence_is_false() {
    let scripts = MissedCheckInProcedure::shipped().expect("shipped").scripts;
    let mut chosen = 0;
    for set in 0..(1_u32 << Assertion::ALL.len()) {
        let so: Truth = Assertion::ALL
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| set & (1 << bit) != 0)
            .map(|(_, assertion)| assertion)
            .collect();
        for id in scripts.0.keys() {
            if let Ok((_, script)) = scripts.choose(id, &so) {
                assert!(
                    script.approved && script.asserts.is_subset(&so),
                    "{id}: {so:?}"
                );
                chosen += 1;
            }
        }
    }
    assert!(chosen > 0, "something may be sent");

    let who = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&who)).await;
    let engine = &clinic.world.relay.engine;
    clinic.until("2026-11-04 08:00").await;
    cases::set_stopped(engine, true, "Robin", None)
        .await
        .expect("stopped");
    clinic.until("2026-11-05 12:00").await;
    cases::set_stopped(engine, false, "Robin", None)
        .await
        .expect("resumed");
    clinic.until("2026-11-05 18:00").await;
    let said: Vec<String> = clinic
        .accepted(&who)
        .iter()
        .filter(|entry| entry.operation == "portal_message")
        .map(|entry| {
            entry.content["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    assert!(
        said.iter().all(|text| !text.contains("yesterday")),
        "it was due the day before yesterday: {said:?}"
    );
    if said.is_empty() {
        let item = clinic.item(&who, "hold").await;
        assert!(
            item.detail.to_string().contains("Hi Maya!"),
            "{}",
            item.detail
        );
    }
}

/// Every decision that was ever stored, made anew from the evidence beside it.
#[tokio::test]
async fn promise_6_every_decision_is_explained_and_recomputed_bit_for_bit() {
    let (_folder, store) = frozen().await;
    let earlier = recompute(&store).await;
    assert!(earlier > 20, "the corpus has decisions");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relay.sqlite");
    let cast = Cast::shipped("strict").expect("a cast");
    let options = Options {
        seed: 6,
        sabotage: None,
    };
    let mut play = Play::new(cast, options, &path).await.expect("a stage");
    while play.step().await.expect("a moment") {}
    let store = Arc::clone(play.world.store());
    assert!(recompute(store.as_ref()).await > 2);
    play.dismiss();
}

async fn recompute(store: &dyn Store) -> usize {
    let mut decisions = 0;
    for case in rows::cases(store).await {
        for line in store.timeline(case.id).await.expect("a history") {
            let Some(detail) = line
                .detail
                .filter(|detail| detail.get("decision").is_some())
            else {
                continue;
            };
            let told = rows::called(&case);
            let stored: ChannelDecision =
                serde_json::from_value(detail["decision"].clone()).expect("a decision");
            let evidence: MailEvidence =
                serde_json::from_value(detail["evidence"].clone()).expect("evidence");
            let again = stored
                .recompute(&evidence)
                .expect("this code knows its logic");
            let bytes = |decision: &ChannelDecision| serde_json::to_string(decision).expect("JSON");
            assert_eq!(bytes(&again), bytes(&stored), "{told}");
            assert!(
                !stored.reason.is_empty() && !stored.would_change.is_empty(),
                "{told}"
            );
            decisions += 1;
        }
    }
    decisions
}
