//! How a follow-up opens: by the daily look and by a person's command, on what is so now.

use clear_relay::engine::EngineError;
use clear_relay::engine::commands::{cases, open, work};
use clear_relay::engine::sync::invariants::Violation;
use clear_relay::engine::sync::reconcile;
use relay_core::case::CaseStatus;
use relay_core::clients::{Author, ClientStatus, PortalMessage};
use relay_core::facts::FactBody;
use relay_core::retry::Class;
use relay_core::workflow::Action;
use relay_store::{Existing, JobState, NewJob, Op};
use relay_store_sqlite::spoil;

use super::forgotten::at;
use super::rig::{Rig, date};

impl Rig {
    /// Maya's check-in of November 3 is overdue, and nobody has looked at it.
    async fn overdue(&self) {
        self.clock.set(at("2026-11-03T12:00:00-07:00"));
        self.list("maya", "c1", "2026-11-03");
        self.receive(&[self.due("maya", "c1", "2026-11-03")]).await;
        self.drain().await;
    }

    fn contact_type(&self, value: Option<&str>) {
        self.world.now().contact_type = value.map(Into::into);
    }

    async fn cases_ever(&self) -> usize {
        let filter = relay_store::CaseFilter {
            client: Some("maya".into()),
            closed: true,
            ..relay_store::CaseFilter::default()
        };
        let page = relay_store::Page::default();
        self.store.cases(&filter, page).await.unwrap().len()
    }

    /// What the reconcile finds about check-ins.
    async fn unwatched(&self) -> usize {
        let report = reconcile::reconcile(&self.engine, false).await.unwrap();
        let found = report.found.iter().filter(|found| {
            let violation = &found.violation;
            matches!(violation, Violation::CheckInUnwatched { .. })
        });
        found.count()
    }

    async fn tell(&self, object: &str, body: FactBody) {
        self.receive(&[self.fact("maya", object, body)]).await;
        self.drain().await;
    }

    fn writes(&self, id: &str, sent_at: &str) {
        let sent_at = at(sent_at);
        self.world.now().messages.push(PortalMessage {
            id: id.into(),
            sent_at,
            author: Author::Client,
            coach: None,
            text: "I will do it tomorrow".into(),
            key: None,
        });
    }
}

#[tokio::test]
async fn a_client_who_comes_to_the_clinic_by_the_crm_alone_has_no_case_and_makes_no_noise() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.contact_type(Some("In-Person"));
    rig.clock.set(at("2026-11-04T00:00:00-07:00"));
    rig.drain().await;
    for _ in 0..14 {
        rig.days(1).await;
        assert_eq!(rig.unwatched().await, 0, "there is a dated look");
    }
    assert_eq!(rig.cases_ever().await, 0);
    assert!(rig.world.now().attempts.is_empty());
    let facts = rig.store.facts(&"maya".into()).await.unwrap();
    let types = facts.iter().filter(|row| row.fact.kind() == "contact_type");
    assert_eq!(types.count(), 1, "stored once, not once a day");
    let Err(EngineError::Refused(why)) =
        open::open_case(&rig.engine, &"maya".into(), None, "Beth").await
    else {
        panic!("refused to a machine and not to a person")
    };
    assert!(
        why.contains("In-Person") && why.contains("in the CRM"),
        "{why}"
    );
    rig.contact_type(Some("Online"));
    rig.days(1).await;
    assert_eq!(rig.open_cases().await, 1);
    rig.holds().await;
}

#[tokio::test]
async fn a_type_put_back_or_emptied_after_it_closed_a_case_is_followed_up_again() {
    for back in [Some("Online"), None] {
        let rig = Rig::prepared().await;
        rig.overdue().await;
        rig.clock.set(at("2026-11-04T00:05:00-07:00"));
        rig.drain().await;
        assert_eq!(rig.open_cases().await, 1);
        // Told by a hook; the field is put right with nobody following her up.
        rig.contact_type(Some("In-Person"));
        let body = FactBody::ContactType {
            value: Some("In-Person".into()),
        };
        rig.tell("maya", body).await;
        assert_eq!(rig.open_cases().await, 0);
        rig.contact_type(back);
        assert_eq!(
            rig.unwatched().await,
            0,
            "its closing has put a look on a date"
        );
        rig.days(1).await;
        assert_eq!(rig.open_cases().await, 1, "put back to {back:?}");
        assert_eq!(rig.cases_ever().await, 2, "and it stays open");
        rig.days(4).await;
        assert_eq!(rig.cases_ever().await, 2);
        rig.holds().await;
    }
}

#[tokio::test]
async fn a_person_opens_on_what_the_crm_shows_now() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    let body = FactBody::ContactType {
        value: Some("In-Person".into()),
    };
    rig.tell("maya", body).await;
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    let opened = open::open_case(&rig.engine, &"maya".into(), None, "Beth").await;
    let case = rig.case(opened.unwrap()).await;
    assert!(!case.status.is_closed(), "{:?}", case.status);
}

#[tokio::test]
async fn a_contact_type_that_cannot_be_read_opens_nothing_until_it_can() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    let fails = [Class::Retryable { after: None }; 3];
    rig.world.now().contact_type_fails.extend(fails);
    rig.contact_type(Some("In-Person"));
    rig.clock.set(at("2026-11-04T00:00:00-07:00"));
    rig.drain().await;
    assert_eq!(rig.cases_ever().await, 0, "never blind");
    for _ in 0..12 {
        rig.pass(5).await;
    }
    assert_eq!(rig.cases_ever().await, 0);
    assert!(rig.world.now().contact_type_fails.is_empty());
    // An outage that is over before the morning delays nobody.
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.world.now().contact_type_fails.extend(fails);
    rig.clock.set(at("2026-11-04T00:00:00-07:00"));
    for _ in 0..12 {
        rig.pass(5).await;
    }
    assert_eq!(rig.open_cases().await, 1);
    rig.clock.set(at("2026-11-04T09:01:00-07:00"));
    rig.drain().await;
    assert_eq!(rig.world.now().accepted.len(), 1, "the first message");
}

#[tokio::test]
async fn a_contact_type_that_the_crm_refuses_to_show_opens_nothing_and_a_person_is_told() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.contact_type(Some("In-Person"));
    rig.world
        .now()
        .contact_type_fails
        .push_back(Class::Permanent);
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    rig.drain().await;
    assert_eq!(
        rig.cases_ever().await,
        0,
        "a refusal does not say that she is online"
    );
    assert_eq!(rig.work("dead_job").await.len(), 1);
    // The look that is shown it finds her at the clinic.
    reconcile::reconcile(&rig.engine, false).await.unwrap();
    rig.drain().await;
    assert_eq!(rig.cases_ever().await, 0);
    rig.contact_type(Some("Online"));
    rig.pass(24 * 60).await;
    assert_eq!(rig.open_cases().await, 1);
}

#[tokio::test]
async fn a_contact_that_the_crm_does_not_find_keeps_the_type_that_was_told_last() {
    for (told, opened) in [("In-Person", 0), ("Online", 1)] {
        let rig = Rig::prepared().await;
        rig.overdue().await;
        let value = Some(told.into());
        rig.tell("maya", FactBody::ContactType { value }).await;
        rig.world.now().gone.push("contact-maya".into());
        rig.clock.set(at("2026-11-04T00:05:00-07:00"));
        rig.drain().await;
        assert_eq!(rig.cases_ever().await, opened, "{told}");
    }
}

#[tokio::test]
async fn where_the_field_is_gone_one_item_says_so_for_all_and_nobody_is_forgotten() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.list("ana", "c9", "2026-11-03");
    rig.receive(&[rig.due("ana", "c9", "2026-11-03")]).await;
    rig.world.now().no_type_field = true;
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    rig.drain().await;
    rig.pass(60).await;
    assert_eq!(rig.cases_ever().await, 0);
    let told = rig.work("drift").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(rig.work("dead_job").await.is_empty());
    let by_hand = open::open_case(&rig.engine, &"maya".into(), None, "Beth").await;
    let refused = by_hand.expect_err("nor by hand").to_string();
    assert!(refused.contains("`clear-relay doctor`"), "{refused}");
    // Whoever has no contact is followed up in the portal, and that says nothing about the field.
    rig.world.now().no_type_field = false;
    rig.pass(60).await;
    for client in ["maya", "ana"] {
        let open = rig.store.open_cases(&client.into()).await.unwrap();
        assert_eq!(open.len(), 1, "{client}");
    }
    assert!(rig.work("drift").await.is_empty(), "settled by itself");
}

#[tokio::test]
async fn a_contact_type_that_is_refused_for_good_is_not_an_emptied_one() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.contact_type(Some("Online"));
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    rig.drain().await;
    // Her contact is deleted: the daily read of its type is refused, and does not say it is there.
    rig.tell("contact-maya", FactBody::ContactGone).await;
    let refused = [Class::Permanent; 4];
    rig.world.now().contact_type_fails.extend(refused);
    rig.pass(60).await;
    reconcile::reconcile(&rig.engine, false).await.unwrap();
    rig.drain().await;
    let left = rig.world.now().contact_type_fails.len();
    assert!(left < 4, "it was read");
    let case = rig
        .store
        .open_cases(&"maya".into())
        .await
        .unwrap()
        .remove(0);
    assert_eq!(case.data["contact_gone"], true);
}

#[tokio::test]
async fn a_case_that_a_person_opens_hears_what_she_wrote_since_it_was_due() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.writes("m1", "2026-11-03T23:30:00-07:00");
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    let opened = open::open_case(&rig.engine, &"maya".into(), None, "Beth").await;
    let case = rig.case(opened.unwrap()).await;
    assert!(
        matches!(case.status, CaseStatus::Paused { .. }),
        "{:?}",
        case.status
    );
    rig.days(2).await;
    assert!(rig.world.now().attempts.is_empty());
    assert_eq!(rig.work("reply").await.len(), 1);
}

#[tokio::test]
async fn a_status_set_by_mistake_mid_case_keeps_her_out_only_while_it_stands() {
    for status in [
        ClientStatus::Quit,
        ClientStatus::Graduated,
        ClientStatus::Maintenance,
        ClientStatus::InPerson,
        ClientStatus::TransitionCallOnly,
    ] {
        let rig = Rig::prepared().await;
        rig.overdue().await;
        rig.clock.set(at("2026-11-04T00:05:00-07:00"));
        rig.drain().await;
        let mut snapshot = rig.world.now().clients[0].clone();
        snapshot.status = status.clone();
        rig.world.now().clients[0] = snapshot.clone();
        let client = Box::new(snapshot.clone());
        rig.tell("maya", FactBody::ClientUpdated { client }).await;
        assert_eq!(rig.open_cases().await, 0, "{status:?}");
        for _ in 0..3 {
            rig.days(1).await;
            assert_eq!(rig.unwatched().await, 0, "{status:?}");
        }
        assert_eq!(rig.cases_ever().await, 1, "{status:?} stands");
        if status == ClientStatus::TransitionCallOnly {
            assert_eq!(rig.work("transition_call").await.len(), 1, "told once");
        }
        rig.world.now().clients[0].status = ClientStatus::Online;
        rig.days(1).await;
        assert_eq!(rig.open_cases().await, 1, "{status:?} is put right");
        rig.holds().await;
    }
}

#[tokio::test]
async fn a_program_that_a_person_ended_is_not_followed_up_when_she_comes_back() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    rig.drain().await;
    rig.tell("maya", FactBody::ProgramEnded).await;
    rig.days(3).await;
    assert_eq!((rig.open_cases().await, rig.cases_ever().await), (0, 1));
}

#[tokio::test]
async fn a_check_in_attached_to_a_case_that_closes_is_followed_up_at_once_and_by_nobody_else() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    rig.drain().await;
    let case = rig.store.open_cases(&"maya".into()).await.unwrap()[0].id;
    let pause = Action::Pause {
        reason: "until she has called".into(),
    };
    cases::decide_case(&rig.engine, case, "Beth", pause)
        .await
        .unwrap();
    rig.clock.set(at("2026-11-10T12:00:00-07:00"));
    rig.list("maya", "c2", "2026-11-10");
    rig.receive(&[rig.due("maya", "c2", "2026-11-10")]).await;
    rig.drain().await;
    rig.clock.set(at("2026-11-11T00:05:00-07:00"));
    rig.drain().await;
    assert_eq!(rig.cases_ever().await, 1, "attached");
    let submitted_at = Some(rig.engine.now());
    rig.world.now().check_ins[0].1.submitted_at = submitted_at;
    let body = FactBody::CheckInSubmitted {
        check_in: "c1".into(),
        complete: true,
    };
    rig.tell("c1", body).await;
    let open = rig.store.open_cases(&"maya".into()).await.unwrap();
    assert_eq!(open.len(), 1, "for the other, before any reconcile");
    assert_ne!(open[0].id, case);
    assert!(
        rig.work("missed_too").await.is_empty(),
        "nobody is asked besides"
    );
    rig.holds().await;
}

#[tokio::test]
async fn e7_a_check_in_in_whose_place_a_later_one_was_submitted_is_not_followed_up() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.list("maya", "c2", "2026-11-10");
    rig.world.now().check_ins[1].1.submitted_at = Some(rig.engine.now());
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    rig.drain().await;
    for _ in 0..3 {
        rig.days(1).await;
        assert_eq!(rig.unwatched().await, 0);
    }
    assert_eq!(rig.cases_ever().await, 0);
    let by_hand = open::open_case(&rig.engine, &"maya".into(), None, "Beth").await;
    let Err(EngineError::Refused(why)) = by_hand else {
        panic!("refused to a machine and not to a person: {by_hand:?}")
    };
    assert!(why.contains("later check-in"), "{why}");
    // Taken back, it stands for nothing.
    rig.world.now().check_ins[1].1.submitted_at = None;
    rig.days(1).await;
    assert_eq!(rig.open_cases().await, 1);
}

#[tokio::test]
async fn a_check_in_of_the_backlog_whose_item_is_lost_is_listed_again() {
    let rig = Rig::prepared().await;
    // Due before the relay was switched on; its look has ended, and nothing lists it.
    rig.list("maya", "c0", "2026-09-28");
    let job = NewJob {
        id: relay_core::ids::JobId::new(rig.random.as_ref(), rig.engine.now()),
        key: "missed/maya/c0".into(),
        kind: "missed_check".into(),
        lane: "maya".into(),
        run_at: rig.engine.now(),
        client: Some("maya".into()),
        case: None,
        payload: serde_json::json!({ "check_in": "c0", "due": "2026-09-28" }),
    };
    let queued = Op::Enqueue {
        job,
        existing: Existing::Keep,
    };
    let ended = Op::CancelJobByKey {
        key: "missed/maya/c0".into(),
        why: "the check-in was submitted".into(),
        at: rig.engine.now(),
    };
    rig.store.commit(vec![queued, ended].into()).await.unwrap();
    rig.days(1).await;
    assert_eq!(rig.work("backlog").await.len(), 1);
    assert_eq!(rig.unwatched().await, 0);
}

#[tokio::test]
async fn a_release_stands_although_an_event_has_renewed_the_look_since() {
    let rig = Rig::prepared().await;
    rig.list("maya", "c0", "2026-09-28");
    rig.receive(&[rig.due("maya", "c0", "2026-09-28")]).await;
    rig.drain().await;
    let item = rig.work("backlog").await.remove(0);
    // Released while she is on a break: the look waits. The portal tells the date once more.
    rig.world.now().clients[0].status = ClientStatus::OnBreak;
    rig.world.now().clients[0].break_until = Some(date("2026-11-08"));
    work::settle_work(&rig.engine, item.id, "Beth", "release", None)
        .await
        .unwrap();
    rig.drain().await;
    rig.clock
        .advance(relay_core::time::SignedDuration::from_hours(1));
    rig.receive(&[rig.due("maya", "c0", "2026-09-28")]).await;
    rig.drain().await;
    rig.world.now().clients[0].status = ClientStatus::Online;
    rig.world.now().clients[0].break_until = None;
    rig.days(1).await;
    assert_eq!(rig.open_cases().await, 1);
    let look = rig.store.job_by_key("missed/maya/c0").await.unwrap();
    assert_eq!(look.unwrap().state, JobState::Done);
}

#[tokio::test]
async fn a_closed_case_that_cant_be_read_speaks_of_nothing_that_was_missed_after_it() {
    let rig = Rig::prepared().await;
    rig.overdue().await;
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    rig.drain().await;
    let case = rig.store.open_cases(&"maya".into()).await.unwrap()[0].id;
    let close = Action::Close {
        reason: "spoken to".into(),
    };
    cases::decide_case(&rig.engine, case, "Beth", close)
        .await
        .unwrap();
    let spoiled = spoil::run(rig.file(), "UPDATE cases SET data = '{}'").await;
    assert_eq!(spoiled.unwrap(), 1);
    rig.clock.set(at("2026-11-10T12:00:00-07:00"));
    rig.list("maya", "c2", "2026-11-10");
    rig.receive(&[rig.due("maya", "c2", "2026-11-10")]).await;
    rig.drain().await;
    rig.clock.set(at("2026-11-11T00:05:00-07:00"));
    rig.drain().await;
    assert_eq!(rig.open_cases().await, 1, "the later one is followed up");
}
