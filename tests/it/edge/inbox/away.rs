//! A coach is away: who is asked, who calls, in whose name it is written (A25).

use clear_relay::engine::EngineError;
use clear_relay::engine::commands::time_off::{self, Asked, Change};
use relay_core::case::Mode;
use relay_core::time::Date;
use serde_json::json;

use super::replied;
use crate::edge::clinic::{Clinic, Person};

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

fn asked(coach: &str, from: &str, until: &str, deputy: Option<&str>) -> Asked {
    Asked {
        coach: coach.into(),
        from: Some(day(from)),
        until: day(until),
        deputy: deputy.map(Into::into),
    }
}

impl Clinic {
    async fn away(&self, asked: &Asked) -> Result<Change, EngineError> {
        let engine = &self.world.relay.engine;
        let change = time_off::away(engine, asked, "Robin").await;
        self.settle().await;
        change
    }

    async fn beth_is_away(&self, from: &str, until: &str) -> Change {
        let away = asked("coach_beth", from, until, Some("coach_ruth"));
        self.away(&away).await.expect("entered")
    }

    async fn refused(&self, asked: &Asked) -> String {
        match self.away(asked).await {
            Err(EngineError::Refused(why)) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    async fn is_back(&self, coach: &str) -> Result<Change, EngineError> {
        let engine = &self.world.relay.engine;
        let change = time_off::back(engine, &coach.into(), "Robin").await;
        self.settle().await;
        change
    }
}

#[tokio::test]
async fn a25_an_open_task_moves_at_once_and_the_deputy_answers_it() {
    let (clinic, maya) = replied().await;
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
    let change = clinic.beth_is_away("2026-11-05", "2026-11-13").await;
    assert_eq!(change.moves, 1);
    let task = clinic.open_task(&maya);
    assert_eq!(task.owner, "Ruth");
    let first = task.description.lines().next().expect("a line");
    assert_eq!(
        first,
        "Beth is away until November 13, so this comes to you."
    );
    assert_eq!(clinic.item(&maya, "reply").await.owner, "coach_beth");
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(clinic.status(&maya).await, "open");

    // What goes out meanwhile is in the deputy's name.
    clinic.until("2026-11-06 12:00").await;
    let mail = clinic.accepted(&maya);
    let mail = mail.iter().find(|entry| entry.operation == "email");
    assert_eq!(mail.expect("an email").content["user_id"], "12");
}

#[tokio::test]
async fn a25_a_task_goes_on_the_first_morning_and_comes_back_on_the_morning_after_the_last() {
    let (clinic, maya) = replied().await;
    let change = clinic.beth_is_away("2026-11-09", "2026-11-10").await;
    assert_eq!(change.moves, 0, "not yet");
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
    clinic.until("2026-11-09 09:05").await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth");
    clinic.until("2026-11-10 17:00").await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth");
    clinic.until("2026-11-11 09:05").await;
    let task = clinic.open_task(&maya);
    assert_eq!(task.owner, "Beth");
    assert!(!task.description.contains("away"), "{}", task.description);
    assert_eq!(clinic.tasks(&maya).len(), 3, "one open at a time");
}

#[tokio::test]
async fn a25_who_is_back_early_has_her_task_at_once() {
    let (clinic, maya) = replied().await;
    clinic.beth_is_away("2026-11-05", "2026-11-13").await;
    clinic.until("2026-11-06 11:00").await;
    let change = clinic.is_back("coach_beth").await.expect("back");
    assert_eq!(change.period.until, day("2026-11-05"));
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
    let again = clinic.is_back("coach_beth").await;
    assert!(matches!(again, Err(EngineError::Refused(_))), "{again:?}");
}

#[tokio::test]
async fn a25_an_open_call_is_asked_of_the_deputy_in_her_own_name() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    let before = clinic.open_task(&jo);
    assert!(before.description.contains("this is Beth"));
    clinic.beth_is_away("2026-11-06", "2026-11-13").await;
    let call = clinic.open_task(&jo);
    assert_eq!(call.owner, "Ruth");
    assert!(
        call.description.contains("this is Ruth"),
        "{}",
        call.description
    );
    assert!(!call.description.contains("this is Beth"));
    assert!(
        call.description
            .starts_with("Beth is away until November 13: you call for her.")
    );
    assert_ne!(call.id, before.id);

    // The day's comparison leaves it where it is.
    clinic.until("2026-11-09 09:30").await;
    assert_eq!(clinic.open_task(&jo).id, call.id);
    clinic.answer(&jo, "Outcome: no answer").await;
    assert!(clinic.work_kinds(&jo).await.is_empty());
    assert_eq!(clinic.count("call_task"), 2, "{:?}", clinic.story(&jo));
}

#[tokio::test]
async fn a25_a_text_that_is_ready_has_the_name_of_whoever_uses_it() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    clinic.answer(&jo, "Outcome: voicemail").await;
    clinic.until("2026-11-09 09:30").await;
    let signed = |owner: &str| {
        let task = clinic.open_task(&jo);
        let text = format!("this is {owner} at Natural Acne Clinic");
        assert_eq!(task.owner, owner);
        assert!(task.description.contains(&text), "{}", task.description);
    };
    signed("Beth");
    clinic.beth_is_away("2026-11-09", "2026-11-10").await;
    signed("Ruth");
    assert_eq!(clinic.item(&jo, "by_hand").await.owner, "coach_beth");
    clinic.until("2026-11-11 09:30").await;
    signed("Beth");
    assert_eq!(clinic.work_kinds(&jo).await, ["by_hand"]);
}

#[tokio::test]
async fn a25_a_call_that_she_made_before_she_left_counts() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    let task = clinic.open_task(&jo);
    clinic.keap(
        json!({ "act": "complete_task", "task": task.id, "contact": null,
        "text": "Outcome: voicemail" }),
    );
    clinic.beth_is_away("2026-11-06", "2026-11-13").await;
    clinic.until("2026-11-06 12:00").await;
    assert!(clinic.tasks(&jo).iter().all(|task| task.completed));
    assert!(
        !clinic
            .work_kinds(&jo)
            .await
            .contains(&"call_outcome".to_owned())
    );
}

#[tokio::test]
async fn a25_the_first_message_is_the_deputys_unless_the_clinic_wants_the_coachs_name() {
    let maya = Person::maya();
    for (keeps, author) in [(false, "coach_ruth"), (true, "coach_beth")] {
        let clinic = Clinic::open_with(|setup| {
            if keeps {
                setup.amend = |text| {
                    text.replace("[people]\n", "[people]\nmessages_while_away = \"coach\"\n")
                };
            }
        })
        .await;
        clinic.join(&maya);
        clinic.beth_is_away("2026-11-02", "2026-11-30").await;
        clinic.until("2026-11-06 12:00").await;
        let all = clinic.accepted(&maya);
        let of = |operation: &str| {
            let entry = all.iter().find(|entry| entry.operation == operation);
            entry.expect("it went out").content.clone()
        };
        assert_eq!(of("portal_message")["author"], author);
        let user = if keeps { "11" } else { "12" };
        assert_eq!(of("email")["user_id"], user);
    }
}

#[tokio::test]
async fn a25_a_deputy_who_is_away_too_has_one_of_her_own() {
    let (clinic, maya) = replied().await;
    clinic.portal(
        json!({ "act": "add_coach", "id": "coach_ivy", "name": "Ivy",
        "email": "ivy@clinic.example.test" }),
    );
    clinic.keap(
        json!({ "act": "add_user", "id": 13, "email": "ivy@clinic.example.test",
        "given_name": "Ivy" }),
    );
    clinic.beth_is_away("2026-11-05", "2026-11-13").await;
    let ruth = asked("coach_ruth", "2026-11-05", "2026-11-05", Some("coach_ivy"));
    let change = clinic.away(&ruth).await.expect("entered");
    assert_eq!(change.moves, 1, "what she had for Beth");
    assert_eq!(clinic.open_task(&maya).owner, "Ivy");
    clinic.until("2026-11-06 09:05").await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth");
}

#[tokio::test]
async fn a25_what_can_not_be_is_refused_with_what_would_work() {
    let clinic = Clinic::open().await;
    clinic.beth_is_away("2026-11-09", "2026-11-13").await;
    let ruth = "coach_ruth";
    let tried = [
        (
            asked("coach_bess", "2026-11-09", "2026-11-13", Some(ruth)),
            "Beth (coach_beth)",
        ),
        (
            asked("coach_beth", "2026-11-09", "2026-11-13", Some("ruth")),
            "Ruth (coach_ruth)",
        ),
        (
            asked("coach_beth", "2026-11-09", "2026-11-08", Some(ruth)),
            "the last day",
        ),
        (
            asked("coach_beth", "2026-10-01", "2026-11-01", Some(ruth)),
            "is over",
        ),
        (
            asked("coach_beth", "2026-11-09", "2027-11-13", Some(ruth)),
            "more than a year",
        ),
        (
            asked("coach_beth", "2026-11-20", "2026-11-21", None),
            "[people.deputies]",
        ),
        (
            asked("coach_beth", "2026-11-20", "2026-11-21", Some("coach_beth")),
            "act for herself",
        ),
        (
            asked(ruth, "2026-11-13", "2026-11-14", Some("coach_beth")),
            "on 2026-11-13",
        ),
    ];
    for (asked, says) in tried {
        let why = clinic.refused(&asked).await;
        assert!(why.contains(says), "{why}");
    }
    let engine = &clinic.world.relay.engine;
    let (ahead, _) = time_off::ahead(engine).await.expect("a list");
    assert_eq!(ahead.len(), 1, "nothing of it was stored: {ahead:?}");
}

#[tokio::test]
async fn a25_the_deputy_of_the_configuration_acts_where_nobody_is_named() {
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}[people.deputies]\ncoach_beth = \"coach_ruth\"\n");
    })
    .await;
    let away = asked("coach_beth", "2026-11-09", "2026-11-13", None);
    let change = clinic.away(&away).await.expect("entered");
    assert_eq!(change.period.deputy.as_str(), "coach_ruth");
}

#[tokio::test]
async fn a25_days_entered_anew_count_in_place_of_the_same_days_and_the_others_stay() {
    let clinic = Clinic::open().await;
    clinic.portal(
        json!({ "act": "add_coach", "id": "coach_ivy", "name": "Ivy",
        "email": "ivy@clinic.example.test" }),
    );
    clinic.beth_is_away("2026-11-09", "2026-11-20").await;
    let ivy = asked("coach_beth", "2026-11-12", "2026-11-13", Some("coach_ivy"));
    let change = clinic.away(&ivy).await.expect("entered");
    assert_eq!(change.replaced.len(), 1);
    let engine = &clinic.world.relay.engine;
    let (ahead, _) = time_off::ahead(engine).await.expect("a list");
    let told: Vec<String> = ahead
        .iter()
        .map(|period| format!("{} {} {}", period.from, period.until, period.deputy))
        .collect();
    assert_eq!(
        told,
        [
            "2026-11-09 2026-11-11 coach_ruth",
            "2026-11-12 2026-11-13 coach_ivy",
            "2026-11-14 2026-11-20 coach_ruth",
        ]
    );
}

#[tokio::test]
async fn a25_two_admins_who_enter_different_days_at_once_lose_none_of_them() {
    let clinic = Clinic::open().await;
    let engine = &clinic.world.relay.engine;
    let one = asked("coach_beth", "2026-11-09", "2026-11-10", Some("coach_ruth"));
    let other = asked("coach_beth", "2026-11-16", "2026-11-17", Some("coach_ruth"));
    let (one, other) = tokio::join!(
        time_off::away(engine, &one, "Robin"),
        time_off::away(engine, &other, "Alex"),
    );
    one.and(other).expect("both entered");
    let (ahead, _) = time_off::ahead(engine).await.expect("a list");
    assert_eq!(ahead.len(), 2, "{ahead:?}");
}

#[tokio::test]
async fn a25_a_deputy_for_whom_the_relay_acts_does_not_make_it_act_for_the_coachs_clients() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}act_for = [\"coach_ruth\"]\n");
    })
    .await;
    clinic.join(&maya);
    clinic.beth_is_away("2026-11-02", "2026-11-30").await;
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "Sorry!").await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.case(&maya).await.mode, Mode::Propose);
    assert!(clinic.tasks(&maya).is_empty());
    assert!(clinic.outreach(&maya).is_empty());
}

#[tokio::test]
async fn a25_a_call_moves_where_coaches_have_the_list_only_too() {
    let jo = Person::jo();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("[people]\n", "[people]\ncoaches = \"work_list\"\n");
    })
    .await;
    clinic.join(&jo);
    clinic.until("2026-11-06 11:00").await;
    assert_eq!(clinic.open_task(&jo).owner, "Beth");
    clinic.beth_is_away("2026-11-09", "2026-11-13").await;
    clinic.until("2026-11-09 09:30").await;
    assert_eq!(clinic.open_task(&jo).owner, "Ruth");
    clinic.until("2026-11-16 09:30").await;
    assert!(
        clinic
            .work_kinds(&jo)
            .await
            .contains(&"call_outcome".to_owned())
    );
    assert_eq!(clinic.open_task(&jo).owner, "Beth");
}

#[tokio::test]
async fn a25_a_deputy_without_a_user_leaves_the_call_with_the_coach_until_she_has_one() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    clinic.keap(json!({ "act": "set_user_status", "user": 12, "status": "INACTIVE" }));
    clinic.beth_is_away("2026-11-06", "2026-11-13").await;
    assert_eq!(clinic.open_task(&jo).owner, "Beth");
    clinic.keap(json!({ "act": "set_user_status", "user": 12, "status": "ACTIVE" }));
    clinic.until("2026-11-09 09:30").await;
    assert_eq!(clinic.open_task(&jo).owner, "Ruth");
}

#[tokio::test]
async fn a25_a_text_in_the_list_of_work_is_signed_anew_on_the_first_day_too() {
    let jo = Person::jo();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("[people]\n", "[people]\ncoaches = \"work_list\"\n");
    })
    .await;
    clinic.join(&jo);
    clinic.until("2026-11-06 11:00").await;
    clinic.answer(&jo, "Outcome: voicemail").await;
    clinic.until("2026-11-09 09:30").await;
    clinic.beth_is_away("2026-11-10", "2026-11-10").await;
    let mut signed = Vec::new();
    for morning in ["2026-11-09 10:00", "2026-11-10 09:30", "2026-11-11 09:30"] {
        clinic.until(morning).await;
        let item = clinic.item(&jo, "by_hand").await;
        signed.push(item.detail["ready"]["signed_by"].clone());
    }
    assert_eq!(signed, ["coach_beth", "coach_ruth", "coach_beth"]);
}

#[tokio::test]
async fn a25_what_was_handed_up_moves_at_once_too() {
    let (clinic, maya) = replied().await;
    clinic.until("2026-11-11 12:00").await;
    assert_eq!(clinic.item(&maya, "reply").await.owner, "program_manager");
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
    clinic.beth_is_away("2026-11-11", "2026-11-13").await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth");
    clinic.is_back("coach_beth").await.expect("back");
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
}

#[tokio::test]
async fn a25_a_task_stays_with_the_coach_while_her_deputy_has_no_user() {
    let (clinic, maya) = replied().await;
    clinic.keap(json!({ "act": "set_user_status", "user": 12, "status": "INACTIVE" }));
    clinic.beth_is_away("2026-11-05", "2026-11-13").await;
    assert_eq!(clinic.open_task(&maya).owner, "Beth");
    clinic.keap(json!({ "act": "set_user_status", "user": 12, "status": "ACTIVE" }));
    clinic.until("2026-11-06 09:05").await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth");
}

#[tokio::test]
async fn a25_what_she_answered_before_she_left_is_not_asked_of_her_deputy() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.keap(
        json!({ "act": "complete_task", "task": task, "contact": null,
        "text": "Answer: continue" }),
    );
    clinic.beth_is_away("2026-11-05", "2026-11-13").await;
    clinic.until("2026-11-05 10:30").await;
    assert_eq!(clinic.status(&maya).await, "open");
    assert_eq!(clinic.tasks(&maya).len(), 1, "nobody else is asked");
}

#[tokio::test]
async fn a25_tasks_that_only_go_to_another_coach_are_not_kept_back() {
    let nameless = ["ada", "bea", "cora"].map(|id| Person {
        id,
        contact: 300 + u64::from(id.as_bytes()[0]),
        first: None,
        ..Person::maya()
    });
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 2");
    })
    .await;
    for person in &nameless {
        clinic.join(person);
    }
    clinic.until("2026-11-05 12:00").await;
    clinic.beth_is_away("2026-11-06", "2026-11-10").await;
    clinic.until("2026-11-06 09:30").await;
    for person in &nameless {
        assert_eq!(clinic.open_task(person).owner, "Ruth", "{}", person.id);
    }
}

#[tokio::test]
async fn a25_a_client_who_comes_to_her_deputy_for_good_is_not_called_for_a_second_time() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    clinic.beth_is_away("2026-11-06", "2026-11-13").await;
    let call = clinic.open_task(&jo).id;
    clinic.portal(json!({ "act": "change_coach", "client": "jo", "coach": "coach_ruth" }));
    clinic.until("2026-11-06 13:00").await;
    assert_eq!(clinic.open_task(&jo).id, call);
    assert_eq!(clinic.item(&jo, "call_outcome").await.owner, "coach_ruth");
}
