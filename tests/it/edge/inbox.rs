//! What a coach is asked in Keap, and how she answers there: A3, A8, A33, A42, E8, E10, E41, E42.

use clear_relay::engine::commands::cases;
use relay_core::effects::EffectKind;
use relay_core::ids::ClientId;
use relay_core::time::SignedDuration;
use relay_core::workflow::Action;
use relay_keap::emulator::SeenTask;
use relay_store::EffectState;
use serde_json::json;

use super::clinic::{Clinic, Person};
use crate::support::tools::Tools as _;

impl Clinic {
    /// Every task about a client, oldest first.
    fn tasks(&self, who: &Person) -> Vec<SeenTask> {
        let seen = self.world.vendors.keap().look(who.contact);
        seen.expect("a contact").tasks
    }

    fn open_task(&self, who: &Person) -> SeenTask {
        let mut open = self.tasks(who);
        open.retain(|task| !task.completed);
        let titles: Vec<_> = open.iter().map(|task| &task.title).collect();
        assert_eq!(open.len(), 1, "one open task: {titles:?}");
        open.remove(0)
    }

    /// The coach writes into her open task and completes it, and Keap tells of it.
    async fn answer(&self, who: &Person, text: &str) {
        let task = self.open_task(who).id;
        self.completes(task, Some(text)).await;
    }

    async fn completes(&self, task: u64, text: Option<&str>) {
        self.keap(json!({ "act": "complete_task", "task": task, "contact": null, "text": text }));
        self.hooks_arrive().await;
    }

    async fn edits(&self, task: u64, description: &str) {
        self.keap(json!({ "act": "edit_task", "task": task,
            "changes": { "description": description } }));
        self.hooks_arrive().await;
    }

    /// Keap tells of what people did within a minute.
    async fn hooks_arrive(&self) {
        let soon = self.world.now() + SignedDuration::from_mins(3);
        self.world.run_until(soon).await.expect("a run");
    }

    async fn writes(&self, who: &Person, text: &str) {
        self.portal(json!({ "act": "client_writes", "client": who.id, "text": text }));
        self.settle().await;
    }

    async fn status(&self, who: &Person) -> String {
        self.case(who).await.status.as_str().to_owned()
    }
}

/// Maya has S1, and wrote at ten on Thursday.
async fn replied() -> (Clinic, Person) {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 10:00").await;
    clinic
        .writes(&maya, "My face burns since the last cream")
        .await;
    (clinic, maya)
}

/// Jo's case has come to what the coach does by hand, on Monday the 9th.
async fn by_hand() -> (Clinic, Person) {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-09 09:30").await;
    (clinic, maya)
}

#[tokio::test]
async fn a_reply_is_one_task_that_says_what_is_known_and_how_to_answer() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    assert_eq!(task.owner, "Beth");
    assert_eq!(
        task.title,
        "Maya H.: the client wrote in the portal (November 5, 10:00). How does it go on?"
    );
    for part in [
        "She wrote: November 5, 10:00. Read it in the portal before you answer.",
        "She has had: the first message in the portal, November 4, 9:00.",
        "Check-in due: November 3.",
        "Regimen: three-week window ends November 10.",
        "Number: 303-555-0101",
        "- handled: you have answered her",
        "- wait until: with a date",
        "- continue: the follow-up goes on",
        "- wants to leave: everything stops",
        "- complaint: ",
        "- unwell: ",
        "- no contact: ",
        "\nAnswer:\n",
    ] {
        assert!(
            task.description.contains(part),
            "{part}\n{}",
            task.description
        );
    }
    // What she wrote stays in the portal (A32), and nothing in it is a program's word.
    for word in ["burns", "reply", "_", "`", "coach_beth", "portal_message"] {
        assert!(
            !task.description.contains(word),
            "{word}\n{}",
            task.description
        );
    }
    clinic.hooks_arrive().await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.tasks(&maya).len(), 1, "made once");
}

#[tokio::test]
async fn each_of_the_seven_answers_does_what_it_says() {
    for (answer, status, asked) in [
        ("Answer: handled", "paused", None),
        ("Answer: wait until Nov 12", "open", None),
        ("Answer: continue", "open", None),
        ("Answer: wants to leave", "paused", Some("stopped")),
        ("Answer: complaint", "paused", Some("stopped")),
        ("ANSWER - Unwell.", "paused", Some("stopped")),
        ("Answer: no contact", "paused", Some("stopped")),
    ] {
        let (clinic, maya) = replied().await;
        clinic.answer(&maya, answer).await;
        assert_eq!(clinic.status(&maya).await, status, "{answer}");
        let kinds = clinic.work_kinds(&maya).await;
        assert_eq!(
            kinds.first().map(String::as_str),
            asked,
            "{answer}: {kinds:?}"
        );
        let tasks = clinic.tasks(&maya);
        assert!(tasks.iter().all(|task| task.completed), "{answer}");
        assert_eq!(tasks.len(), 1, "{answer}");
        assert!(
            !tasks[0].title.contains("Closed by"),
            "{answer}: it was the coach who answered"
        );
        let history = clinic.history(clinic.case(&maya).await.id).await;
        assert!(
            history.iter().any(|line| line.contains("Beth")),
            "{answer}: {history:?}"
        );
    }
}

#[tokio::test]
async fn handled_is_asked_about_once_more_and_continue_then_goes_on() {
    let (clinic, maya) = replied().await;
    clinic.answer(&maya, "Answer: handled").await;
    clinic.until("2026-11-09 08:00").await;
    assert_eq!(clinic.tasks(&maya).len(), 1);
    clinic.until("2026-11-09 09:01").await;
    let task = clinic.open_task(&maya);
    assert!(
        task.title.contains("Beth answered the client November 5"),
        "{}",
        task.title
    );
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "9 09:01 email"]
    );
}

#[tokio::test]
async fn a_bare_tick_of_a_reply_is_handled_and_never_resumes() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.completes(task, None).await;
    assert_eq!(clinic.status(&maya).await, "paused");
    assert!(
        clinic.work_kinds(&maya).await.is_empty(),
        "she is asked on Monday"
    );
    clinic.until("2026-11-06 18:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn a_bare_tick_of_what_was_asked_by_hand_says_that_it_was_done() {
    let (clinic, maya) = by_hand().await;
    let task = clinic.open_task(&maya);
    assert!(task.title.contains("continue by hand"), "{}", task.title);
    assert!(
        !task.description.contains("to my phone call"),
        "nobody called: {}",
        task.description
    );
    clinic.completes(task.id, None).await;
    assert_eq!(clinic.status(&maya).await, "open");
    let history = clinic.history(clinic.case(&maya).await.id).await;
    assert!(
        history
            .iter()
            .any(|line| line.starts_with("Beth did it by hand")),
        "{history:?}"
    );
}

#[tokio::test]
async fn a_tick_that_is_no_answer_and_one_that_nobody_understands_are_asked_again_next_morning() {
    let mut nameless = Person::maya();
    nameless.first = None;
    for (text, says) in [
        (None, "without an answer"),
        (Some("Answer: no idea"), "could not be understood"),
    ] {
        let clinic = Clinic::with(std::slice::from_ref(&nameless)).await;
        clinic.until("2026-11-04 12:00").await;
        let first = clinic.open_task(&nameless).id;
        clinic.completes(first, text).await;
        assert_eq!(clinic.status(&nameless).await, "held");
        assert_eq!(clinic.tasks(&nameless).len(), 1, "not in the same minute");
        clinic.until("2026-11-05 09:01").await;
        let again = clinic.open_task(&nameless);
        assert!(
            again.id != first && again.description.contains(says),
            "{}",
            again.description
        );
        // And that one can be answered.
        clinic.answer(&nameless, "Answer: leave out").await;
        assert_eq!(clinic.status(&nameless).await, "open");
    }
}

#[tokio::test]
async fn a_task_that_is_deleted_is_asked_again_next_morning() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.keap(json!({ "act": "delete_task", "task": task }));
    clinic.hooks_arrive().await;
    assert!(clinic.tasks(&maya).is_empty());
    assert_eq!(clinic.status(&maya).await, "paused");
    clinic.until("2026-11-06 09:05").await;
    let again = clinic.open_task(&maya);
    assert!(
        again.description.contains("was deleted"),
        "{}",
        again.description
    );
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn an_answer_counts_before_the_task_is_completed_and_whoever_has_it() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    clinic.keap(json!({ "act": "edit_task", "task": task.id,
        "changes": { "assigned_to_user_id": "12" } }));
    clinic.hooks_arrive().await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth", "left with her");
    let answered = task
        .description
        .replace("\nAnswer:\n", "\nAnswer: handled\n");
    clinic.edits(task.id, &answered).await;
    let item = clinic.history(clinic.case(&maya).await.id).await;
    assert!(
        item.iter().any(|line| line == "Ruth answered the client"),
        "{item:?}"
    );
    assert!(clinic.tasks(&maya)[0].completed, "closed by the relay");
    assert!(!clinic.tasks(&maya)[0].title.contains("Closed by"));
}

#[tokio::test]
async fn an_answer_in_html_is_an_answer_and_what_the_relay_wrote_never_is() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya);
    let html = |text: &str| {
        format!(
            "<div>{}</div>",
            text.replace('&', "&amp;").replace('\n', "<br>")
        )
    };
    // A rich text field was opened and closed: the same lines as HTML, and nothing was answered.
    clinic.edits(task.id, &html(&task.description)).await;
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    let answered = task
        .description
        .replace("\nAnswer:\n", "\nAnswer: complaint\n");
    clinic.edits(task.id, &html(&answered)).await;
    assert_eq!(clinic.work_kinds(&maya).await, ["stopped"]);
}

#[tokio::test]
async fn nothing_that_comes_from_outside_can_pose_as_an_answer() {
    let mut maya = Person::maya();
    maya.first = Some("Answer: continue");
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 10:00").await;
    clinic
        .writes(&maya, "Answer: continue\nAnswer: continue")
        .await;
    let task = clinic.open_task(&maya).id;
    clinic
        .edits(
            task,
            &clinic.open_task(&maya).description.replace('\n', "\r\n"),
        )
        .await;
    let status = clinic.status(&maya).await;
    assert!(status == "paused" || status == "held", "{status}");
    let email_sent = clinic
        .outreach(&maya)
        .iter()
        .any(|line| line.contains("email"));
    assert!(!email_sent);
}

#[tokio::test]
async fn a_message_that_she_had_not_read_is_shown_before_continue_counts() {
    let (clinic, maya) = replied().await;
    let first = clinic.open_task(&maya).id;
    clinic.until("2026-11-05 11:00").await;
    clinic.writes(&maya, "One more thing").await;
    // She had the first task open, and answers that.
    assert_ne!(clinic.open_task(&maya).id, first, "asked anew, with both");
    clinic.edits(first, "Answer: continue").await;
    assert_eq!(
        clinic.status(&maya).await,
        "paused",
        "it was about the first"
    );
    let history = clinic.history(clinic.case(&maya).await.id).await;
    let stale = history
        .iter()
        .filter(|line| line.contains("no longer the open one"));
    assert_eq!(stale.count(), 1, "{history:?}");
    assert!(
        clinic
            .open_task(&maya)
            .description
            .contains("November 5, 11:00")
    );
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn a_stop_counts_wherever_she_wrote_it() {
    let (clinic, maya) = replied().await;
    let first = clinic.open_task(&maya).id;
    let engine = &clinic.world.relay.engine;
    let case = clinic.case(&maya).await.id;
    cases::decide_case(engine, case, "Alex", Action::Resume)
        .await
        .expect("resumed");
    clinic.settle().await;
    assert!(
        clinic.tasks(&maya)[0]
            .title
            .starts_with("Closed by Clear Relay"),
        "taken back"
    );
    clinic.edits(first, "Answer: no contact").await;
    assert_eq!(clinic.status(&maya).await, "paused");
    assert_eq!(clinic.work_kinds(&maya).await, ["stopped"]);
    // Lifted by the manager: the old task says it no second time.
    clinic.done(&maya, "stopped", "resume", None).await;
    clinic.edits(first, "Answer: no contact\nas I said").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn her_own_answer_in_the_portal_takes_the_task_away() {
    let (clinic, maya) = replied().await;
    clinic.until("2026-11-05 10:30").await;
    clinic
        .portal(json!({ "act": "coach_writes", "client": "maya", "text": "Please rinse it off" }));
    clinic.settle().await;
    assert!(clinic.work_kinds(&maya).await.is_empty());
    assert!(clinic.tasks(&maya)[0].completed);
    assert_eq!(clinic.status(&maya).await, "paused");
    clinic.until("2026-11-09 09:05").await;
    assert!(
        clinic
            .open_task(&maya)
            .title
            .contains("answered the client")
    );
}

#[tokio::test]
async fn a_check_in_takes_the_task_away() {
    let (clinic, maya) = replied().await;
    clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
    clinic.settle().await;
    assert!(clinic.tasks(&maya).iter().all(|task| task.completed));
    assert!(
        clinic.tasks(&maya)[0]
            .title
            .starts_with("Closed by Clear Relay")
    );
}

#[tokio::test]
async fn a_stop_holds_for_the_next_check_in_too() {
    let (clinic, maya) = replied().await;
    clinic.answer(&maya, "Answer: no contact").await;
    clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
    clinic.settle().await;
    clinic.check_in_due("maya", "ci_maya_2", "2026-11-17");
    clinic.until("2026-11-18 12:00").await;
    let cases = clinic.cases(&maya).await;
    assert_eq!(cases.len(), 2);
    let open = cases
        .iter()
        .find(|case| !case.status.is_closed())
        .expect("the second");
    assert_eq!(open.status.as_str(), "paused");
    assert_eq!(clinic.work_kinds(&maya).await, ["stopped"]);
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.done(&maya, "stopped", "resume", None).await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "18 12:00 portal_message"],
    );
}

#[tokio::test]
async fn what_is_asked_in_the_night_opens_in_the_morning() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-06 19:00").await;
    clinic.writes(&maya, "Sorry!").await;
    assert!(clinic.tasks(&maya).is_empty());
    clinic.until("2026-11-09 08:59").await;
    assert!(clinic.tasks(&maya).is_empty(), "over the weekend");
    clinic.until("2026-11-09 09:01").await;
    clinic.open_task(&maya);
}

#[tokio::test]
async fn another_coach_gets_the_task_and_the_old_one_is_closed() {
    let (clinic, maya) = replied().await;
    clinic.portal(json!({ "act": "change_coach", "client": "maya", "coach": "coach_ruth" }));
    clinic.settle().await;
    assert_eq!(clinic.open_task(&maya).owner, "Ruth");
    assert_eq!(clinic.tasks(&maya).len(), 2);
}

#[tokio::test]
async fn an_item_that_is_handed_up_leaves_the_coach_her_task() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.until("2026-11-11 12:00").await;
    assert_eq!(clinic.item(&maya, "reply").await.owner, "program_manager");
    assert_eq!(clinic.open_task(&maya).id, task);
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn a_coach_without_a_user_in_keap_has_the_list_and_nobody_else_hears_of_it() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(json!({ "act": "set_user_status", "user": 11, "status": "INACTIVE" }));
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "Sorry!").await;
    clinic.until("2026-11-05 12:00").await;
    assert!(clinic.tasks(&maya).is_empty());
    assert_eq!(
        clinic.work_kinds(&maya).await,
        ["reply"],
        "no item about the item"
    );
    let client = ClientId::from("maya");
    let kind = EffectKind::WorkTask;
    let effect = clinic
        .store()
        .latest_of_client(&client, kind)
        .await
        .expect("a store");
    assert_eq!(
        effect.map(|effect| effect.state),
        Some(EffectState::Overtaken)
    );
    // She is back: the daily comparison brings it.
    clinic.keap(json!({ "act": "set_user_status", "user": 11, "status": "ACTIVE" }));
    clinic.until("2026-11-06 09:05").await;
    clinic.open_task(&maya);
}

#[tokio::test]
async fn an_outage_of_a_day_makes_no_item_about_the_task_and_the_task_comes_after_it() {
    let (clinic, maya) = {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.until("2026-11-05 09:30").await;
        for moment in ["before"] {
            clinic.fault(
                "keap",
                json!({ "operation": "work_task", "moment": moment,
                "act": "status", "code": 503, "times": 500 }),
            );
        }
        clinic.writes(&maya, "Sorry!").await;
        (clinic, maya)
    };
    clinic.until("2026-11-06 22:00").await;
    assert!(clinic.tasks(&maya).is_empty());
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    clinic
        .world
        .vendors
        .faults("keap")
        .expect("a vendor")
        .clear();
    clinic.until("2026-11-10 09:05").await;
    clinic.open_task(&maya);
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
}

#[tokio::test]
async fn nothing_is_made_in_keap_while_the_procedure_only_proposes() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("mode = \"act\"", "mode = \"propose\"");
    })
    .await;
    clinic.join(&maya);
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "Sorry!").await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    assert!(clinic.tasks(&maya).is_empty());
    let client = ClientId::from("maya");
    let kind = EffectKind::WorkTask;
    let effect = clinic
        .store()
        .latest_of_client(&client, kind)
        .await
        .expect("a store");
    assert_eq!(
        effect.map(|effect| effect.state),
        Some(EffectState::Proposed)
    );
}

#[tokio::test]
async fn a_coach_gets_so_many_new_tasks_a_day_and_what_clients_wrote_besides() {
    let maya = Person::maya();
    let names = ["ada", "bea", "cora", "dora"];
    let mut nameless: Vec<Person> = Vec::new();
    for (number, id) in (0..).zip(names) {
        nameless.push(Person {
            id,
            contact: 300 + number,
            first: None,
            ..Person::maya()
        });
    }
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("coach_tasks_a_day = 100", "coach_tasks_a_day = 2");
    })
    .await;
    for person in nameless.iter().chain([&maya]) {
        clinic.join(person);
    }
    clinic.until("2026-11-04 12:00").await;
    let asked = |clinic: &Clinic| -> usize {
        nameless
            .iter()
            .map(|person| clinic.tasks(person).len())
            .sum()
    };
    assert_eq!(asked(&clinic), 2);
    clinic.writes(&maya, "Sorry!").await;
    clinic.open_task(&maya);
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(asked(&clinic), 4, "the others the next morning");
}

#[tokio::test]
async fn a_lost_webhook_of_an_answer_is_made_up_for_by_the_daily_comparison() {
    let (clinic, maya) = replied().await;
    let task = clinic.open_task(&maya).id;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.keap(
        json!({ "act": "complete_task", "task": task, "contact": null,
        "text": "Answer: continue" }),
    );
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.status(&maya).await, "open");
    assert!(
        clinic
            .outreach(&maya)
            .iter()
            .any(|line| line.contains("email"))
    );
}
