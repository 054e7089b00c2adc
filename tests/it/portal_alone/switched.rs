//! The CRM is switched off in the middle of everything, and on again.

use relay_core::case::CaseStatus;
use relay_core::effects::{CardRemoval, EffectKind};
use relay_core::facts::Order;
use relay_store::{EffectState, JobState};
use serde_json::{Value, json};

use crate::edge::clinic::{Clinic, Person, at};
use crate::support::invariants::assert_invariants;

const ON: &str = "[keap]\nmode = \"on\"";
const OFF: &str = "[keap]\nmode = \"off\"";

async fn switch(clinic: &mut Clinic, from: &str, to: &str) {
    assert!(clinic.world.config_text().contains(from));
    let done = clinic.world.reconfigure(|text| text.replacen(from, to, 1));
    done.await.expect("a restart");
    clinic.settle().await;
}

/// A client whose number the portal has as well.
fn join(clinic: &Clinic, person: &Person) {
    let Person { id, contact, .. } = person;
    clinic.keap(
        json!({ "act": "add_contact", "id": contact, "given_name": person.first, "family_name": "Hayes",
                "email": person.email(), "email_status": "SINGLE_OPT_IN", "phone": person.phone }),
    );
    clinic.portal(
        json!({ "act": "add_client", "id": id, "first_name": person.first, "last_name": "Hayes",
                "status": "online", "coach": person.coach, "email": person.email(), "phone": person.phone,
                "last_regimen_change": person.regimen, "keap_contact_id": contact.to_string() }),
    );
    for day in ["2026-10-21", "2026-10-28", "2026-10-31"] {
        let opened = person.opens.then(|| at(&format!("{day} 13:17")));
        clinic.keap(
            json!({ "act": "add_email_record", "contact": contact, "subject": "News",
                    "sent_at": at(&format!("{day} 10:00")), "opened_at": opened }),
        );
    }
    clinic.check_in_due(id, &format!("ci_{id}"), "2026-11-03");
}

fn in_keap(clinic: &Clinic) -> usize {
    let all = clinic.world.vendors.accepted();
    let portal = ["portal_message", "portal_note"];
    all.iter()
        .filter(|entry| !portal.contains(&entry.operation.as_str()))
        .count()
}

async fn nothing_is_left_over(clinic: &Clinic) {
    let dead = clinic.jobs(JobState::Dead).await;
    assert!(dead.is_empty(), "{dead:?}");
    assert_invariants(clinic.store().as_ref(), clinic.world.now()).await;
}

/// Titles and kinds of what is open, but for the one item that says that it is off.
async fn open(clinic: &Clinic) -> Vec<(String, String)> {
    let items = clinic.work().await.into_iter();
    let mut open: Vec<_> = items.map(|item| (item.kind, item.title)).collect();
    let (told, is_off) = (told_of(&open), clinic.world.config_text().contains(OFF));
    assert_eq!(told, usize::from(is_off), "{open:?}");
    open.retain(|(kind, _)| kind != "crm_off");
    open.sort();
    open
}

fn told_of(open: &[(String, String)]) -> usize {
    open.iter().filter(|(kind, _)| kind == "crm_off").count()
}

#[tokio::test]
async fn who_waits_for_a_decision_then_is_called_by_hand_and_on_again_all_goes_its_old_way() {
    let mut clinic = Clinic::open().await;
    let (maya, jo) = (Person::maya(), Person::jo());
    join(&clinic, &maya);
    join(&clinic, &jo);
    clinic.until("2026-11-05 12:00").await;
    switch(&mut clinic, ON, OFF).await;
    let before = in_keap(&clinic);
    clinic.until("2026-11-06 10:00").await;
    for person in [&maya, &jo] {
        let item = clinic.item(person, "call_outcome").await;
        assert!(item.title.starts_with("CALL "), "{}", item.title);
    }
    assert_eq!(open(&clinic).await.len(), 2);
    assert_eq!(in_keap(&clinic), before, "nothing was written there");
    clinic
        .done(&jo, "call_outcome", "call_outcome", Some("voicemail"))
        .await;
    nothing_is_left_over(&clinic).await;
    // On again: what was asked by hand is answered where it was asked, and the next one is mailed.
    switch(&mut clinic, OFF, ON).await;
    clinic
        .done(&maya, "call_outcome", "call_outcome", Some("no answer"))
        .await;
    let ella = Person {
        id: "ella",
        contact: 203,
        ..Person::maya()
    };
    join(&clinic, &ella);
    clinic.until("2026-11-16 12:00").await;
    nothing_is_left_over(&clinic).await;
    let operations = clinic.beside_inbox(&ella);
    assert!(
        operations.contains(&"email".to_owned()) || operations.is_empty(),
        "{operations:?}"
    );
    let kinds: Vec<_> = open(&clinic)
        .await
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert!(
        kinds
            .iter()
            .all(|kind| kind != "dead_job" && kind != "connection"),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn a_call_task_that_stands_there_is_answered_in_the_list_and_nothing_more_is_written() {
    let mut clinic = Clinic::open().await;
    let jo = Person::jo();
    join(&clinic, &jo);
    clinic.until("2026-11-06 10:00").await;
    assert_eq!(clinic.count("call_task"), 1);
    switch(&mut clinic, ON, OFF).await;
    let before = in_keap(&clinic);
    clinic
        .done(&jo, "call_outcome", "call_outcome", Some("voicemail"))
        .await;
    clinic.until("2026-11-09 10:00").await;
    assert_eq!(clinic.work_kinds(&jo).await, ["by_hand"]);
    clinic.portal(json!({ "act": "check_in", "client": "jo" }));
    clinic.until("2026-11-09 11:00").await;
    assert!(clinic.closed(&jo).await.contains("submitted"));
    assert!(open(&clinic).await.is_empty());
    assert_eq!(in_keap(&clinic), before, "nothing was written there");
    nothing_is_left_over(&clinic).await;
    switch(&mut clinic, OFF, ON).await;
    clinic.until("2026-11-11 12:00").await;
    nothing_is_left_over(&clinic).await;
    assert!(open(&clinic).await.is_empty());
}

#[tokio::test]
async fn what_was_planned_there_is_handed_over_or_ends_without_a_word() {
    let mut clinic = Clinic::open().await;
    let maya = Person::maya();
    join(&clinic, &maya);
    // The email is planned for Friday at nine and fails for a while; the note and the tag never come about.
    clinic.until("2026-11-06 08:59").await;
    let fault = json!({ "operation": "email", "moment": "before", "act": "status", "code": 429 });
    clinic.fault("keap", with_times(fault, 50));
    clinic.until("2026-11-06 09:10").await;
    assert_eq!(clinic.count("email"), 0);
    switch(&mut clinic, ON, OFF).await;
    clinic.until("2026-11-06 11:00").await;
    let asked = open(&clinic).await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    let item = clinic.item(&maya, "send_by_hand").await;
    assert_eq!(item.detail["address"], "maya@example.test");
    clinic
        .done(&maya, "send_by_hand", "done_by_hand", None)
        .await;
    nothing_is_left_over(&clinic).await;
}

fn with_times(mut rule: Value, times: u32) -> Value {
    rule["times"] = times.into();
    rule
}

#[tokio::test]
async fn what_may_have_gone_out_is_asked_about_once_and_the_rest_goes_on() {
    let mut clinic = Clinic::open().await;
    let (maya, jo) = (Person::maya(), Person::jo());
    join(&clinic, &maya);
    join(&clinic, &jo);
    clinic.until("2026-11-06 08:59").await;
    for operation in ["email", "call_task"] {
        clinic.fault(
            "keap",
            json!({ "operation": operation, "moment": "after", "act": "hang" }),
        );
    }
    clinic.until("2026-11-06 09:01").await;
    let case = clinic.case(&maya).await;
    let email = clinic.effects(case.id).await;
    let email = email
        .iter()
        .find(|effect| effect.kind() == EffectKind::Email);
    assert!(email.is_some_and(|effect| effect.state.is_under_way()));
    switch(&mut clinic, ON, OFF).await;
    clinic.until("2026-11-06 12:00").await;
    // Nobody can look whether the email arrived: asked once. A task that nobody reads harms nobody: she is called.
    assert_eq!(clinic.work_kinds(&maya).await, ["hold", "unsettled"]);
    assert_eq!(clinic.work_kinds(&jo).await, ["call_outcome"]);
    assert_eq!(open(&clinic).await.len(), 3);
    clinic.done(&maya, "unsettled", "happened", None).await;
    clinic
        .done(&jo, "call_outcome", "call_outcome", Some("spoke"))
        .await;
    nothing_is_left_over(&clinic).await;
    let case = clinic.case(&jo).await;
    let open = clinic.effects(case.id).await;
    assert!(open.iter().all(|effect| effect.state != EffectState::Dead));
}

#[tokio::test]
async fn an_outage_that_lasted_when_it_was_switched_off_holds_nobody() {
    let mut clinic = Clinic::open().await;
    let people: Vec<Person> = ["ada", "bea", "cleo", "dina"]
        .into_iter()
        .enumerate()
        .map(|(number, id)| Person {
            id,
            contact: 300 + number as u64,
            ..Person::maya()
        })
        .collect();
    for person in &people {
        join(&clinic, person);
    }
    clinic.until("2026-11-06 08:59").await;
    let fault = json!({ "operation": "*", "moment": "before", "act": "refuse" });
    clinic.fault("keap", with_times(fault, 100_000));
    clinic.until("2026-11-06 10:00").await;
    switch(&mut clinic, ON, OFF).await;
    clinic.until("2026-11-06 16:00").await;
    for person in &people {
        let kinds = clinic.work_kinds(person).await;
        assert!(
            kinds == ["call_outcome"] || kinds == ["send_by_hand"],
            "{}: {kinds:?}",
            person.id
        );
    }
    // The admin had one item while it lasted, and has one notice that it is over: nobody meets it any more.
    clinic.until("2026-11-06 20:00").await;
    let all = open(&clinic).await.into_iter();
    let others: Vec<_> = all
        .filter(|(kind, _)| !["call_outcome", "send_by_hand"].contains(&kind.as_str()))
        .collect();
    assert_eq!(others.len(), 1, "{others:?}");
    assert_eq!(others[0].0, "incident_over", "{others:?}");
    nothing_is_left_over(&clinic).await;
}

#[tokio::test]
async fn an_order_about_money_that_was_under_way_is_held_with_what_to_do() {
    let mut clinic = Clinic::open().await;
    let jo = Person::jo();
    join(&clinic, &jo);
    clinic.fee(901, jo.contact, None);
    clinic.until("2026-11-03 10:00").await;
    let fault =
        json!({ "operation": "auto_charge_off", "moment": "before", "act": "status", "code": 429 });
    clinic.fault("keap", with_times(fault, 50));
    let order = Order::CancelSubscription {
        reason: "she left".to_owned(),
        card: CardRemoval::Keep,
    };
    let case = clinic.order(&jo, order).await;
    switch(&mut clinic, ON, OFF).await;
    clinic.until("2026-11-03 18:00").await;
    let stored = clinic.store().case(case).await.expect("a store");
    let CaseStatus::Held { reason } = stored.expect("a case").status else {
        panic!("it is not held");
    };
    assert!(
        reason.contains("the relay has no access to the CRM"),
        "{reason}"
    );
    let asked = open(&clinic).await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    nothing_is_left_over(&clinic).await;
}
