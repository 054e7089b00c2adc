//! What the Program Manager is asked, where she works: A3, A8, A33.

use std::sync::Arc;

use relay_keap::emulator::SeenTask;
use serde_json::json;

use super::replied;
use crate::edge::clinic::{Clinic, Person};
use crate::support::failpoints::StopAt;

const ALEX: &str = "alex@clinic.example.test";

fn told(text: &str) -> String {
    let line = format!("[people]\nprogram_manager = \"Alex\"\nprogram_manager_user = \"{ALEX}\"\n");
    text.replace("[people]\n", &line)
}

impl Clinic {
    fn alex_joins(&self) {
        self.keap(json!({ "act": "add_user", "id": 13, "email": ALEX, "given_name": "Alex" }));
    }

    /// The open tasks about a client, with whose they are.
    fn open_tasks(&self, who: &Person) -> Vec<(String, SeenTask)> {
        let mut open = self.tasks(who);
        open.retain(|task| !task.completed);
        open.into_iter()
            .map(|task| (task.owner.clone(), task))
            .collect()
    }

    fn task_of(&self, who: &Person, owner: &str) -> SeenTask {
        let open = self.open_tasks(who);
        let mut hers = open.iter().filter(|(whose, _)| whose == owner);
        let (_, task) = hers
            .next()
            .unwrap_or_else(|| panic!("none of {owner}'s: {open:?}"));
        assert_eq!(hers.next(), None, "one of {owner}'s");
        task.clone()
    }

    fn owners(&self, who: &Person) -> Vec<String> {
        let open = self.open_tasks(who);
        open.into_iter().map(|(owner, _)| owner).collect()
    }
}

/// Maya wrote on Thursday at ten; her coach and the manager have users.
async fn wrote() -> (Clinic, Person) {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| setup.amend = told).await;
    clinic.alex_joins();
    clinic.join(&maya);
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "About my check-in").await;
    (clinic, maya)
}

#[tokio::test]
async fn a32_no_title_names_her_health() {
    let (clinic, maya) = wrote().await;
    clinic.answer(&maya, "Answer: unwell").await;
    let task = clinic.task_of(&maya, "Alex");
    assert_eq!(
        task.title,
        "Maya H.: Beth has stopped everything; why stands inside. Nothing goes out to her. How does it go on?"
    );
    let text = &task.description;
    assert!(text.contains("What happened: she is unwell."), "{text}");
    let close = "- close: this follow-up ends; another one would ask you first";
    assert!(text.lines().any(|line| line == close), "{text}");
    // Nor does what is left with her once the follow-up has ended.
    clinic.portal(json!({ "act": "check_in", "client": "maya", "check_in": "ci_maya" }));
    clinic.hooks_arrive().await;
    let work = clinic.work().await;
    let titles: Vec<_> = work.iter().map(|item| item.title.as_str()).collect();
    let left = "Maya H.: her coach has stopped everything (why stands inside), and the follow-up has ended meanwhile. \
                The next one would ask you first.";
    assert_eq!(titles, [left]);
    assert_eq!(work[0].detail["reason"], "she is unwell");
}

#[tokio::test]
async fn whose_program_has_ended_is_not_asked_to_end_it() {
    for act in [
        json!({ "act": "end_program", "client": "maya" }),
        json!({ "act": "change_status", "client": "maya", "status": "quit" }),
        json!({ "act": "change_status", "client": "maya", "status": "in_person" }),
    ] {
        let (clinic, maya) = replied().await;
        clinic.answer(&maya, "Answer: wants to leave").await;
        clinic.portal(act.clone());
        clinic.hooks_arrive().await;
        let titles: Vec<_> = clinic
            .work()
            .await
            .into_iter()
            .map(|item| item.title)
            .collect();
        assert_eq!(titles.len(), 1, "{act}: {titles:#?}");
        assert!(titles[0].to_lowercase().contains("stop the"), "{titles:?}");
    }
}

#[tokio::test]
async fn a33_a_stop_is_hers_to_answer_on_the_same_day_where_she_works() {
    for (answer, status, asks) in [
        ("Answer: continue", "open", false),
        ("Answer: close", "closed", false),
        ("Answer: perhaps", "paused", true),
    ] {
        let (clinic, maya) = wrote().await;
        clinic.answer(&maya, "Answer: wants to leave").await;
        let task = clinic.task_of(&maya, "Alex");
        assert_eq!(clinic.owners(&maya), ["Alex"]);
        assert_eq!(
            task.title,
            "Maya H. wants to leave the program, says Beth. Nothing goes out to her. End her program and stop the fee?"
        );
        for part in [
            "Number: 303-555-0101",
            "What to do: end the program in the portal, and ask your admin to stop the fee",
            "- continue: the follow-up goes on",
            "- close: this follow-up ends; another one would ask you first",
            "\nAnswer:\n",
        ] {
            assert!(
                task.description.contains(part),
                "{part}\n{}",
                task.description
            );
        }
        clinic.completes(task.id, Some(answer)).await;
        assert_eq!(clinic.status(&maya).await, status, "{answer}");
        assert_eq!(
            clinic.owners(&maya).contains(&"Alex".to_owned()),
            asks,
            "{answer}"
        );
        let history = clinic.history(clinic.case(&maya).await.id).await;
        let by_her = history.iter().any(|line| line.contains("Alex"));
        assert_eq!(by_her, !asks, "{answer}: {history:?}");
    }
}

#[tokio::test]
async fn a33_a_tick_and_a_deletion_lift_nothing_and_are_asked_about_again() {
    let (clinic, maya) = wrote().await;
    clinic.answer(&maya, "Answer: no contact").await;
    let first = clinic.task_of(&maya, "Alex");
    clinic.completes(first.id, None).await;
    clinic.until("2026-11-06 09:05").await;
    let second = clinic.task_of(&maya, "Alex");
    assert!(
        second
            .description
            .starts_with("You completed the task before this one without an answer.")
    );
    clinic.keap(json!({ "act": "delete_task", "task": second.id }));
    clinic.until("2026-11-09 09:05").await;
    let third = clinic.task_of(&maya, "Alex");
    assert!(
        third
            .description
            .starts_with("The task before this one was deleted")
    );
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(clinic.status(&maya).await, "paused");
}

/// Two reminders without an answer: she is asked, and the coach still is. Whoever answers first has answered.
#[tokio::test]
async fn a8_what_is_handed_up_is_asked_of_both_and_settled_by_the_first() {
    for by in ["Alex", "Beth"] {
        let (clinic, maya) = wrote().await;
        clinic.until("2026-11-09 10:00").await;
        let mut owners = clinic.owners(&maya);
        owners.sort();
        assert_eq!(owners, ["Alex", "Beth"]);
        let task = clinic.task_of(&maya, by);
        if by == "Alex" {
            let since = "(Beth has not answered since November 5)";
            assert!(task.title.ends_with(since), "{}", task.title);
            let said = "Beth was asked this on November 5, 10:00, and has not answered. So it comes to you, too.";
            assert!(task.description.starts_with(said), "{}", task.description);
        }
        clinic.completes(task.id, Some("Answer: handled")).await;
        assert_eq!(clinic.owners(&maya), Vec::<String>::new(), "{by}");
        assert_eq!(clinic.status(&maya).await, "paused");
        let history = clinic.history(clinic.case(&maya).await.id).await;
        assert!(
            history
                .iter()
                .any(|line| *line == format!("{by} answered the client")),
            "{history:?}"
        );
    }
}

#[tokio::test]
async fn a33_what_the_list_of_work_settles_is_taken_back_from_her() {
    let (clinic, maya) = wrote().await;
    clinic.answer(&maya, "Answer: complaint").await;
    clinic.task_of(&maya, "Alex");
    clinic.done(&maya, "stopped", "resume", None).await;
    clinic.hooks_arrive().await;
    assert!(clinic.owners(&maya).is_empty());
    assert_eq!(
        clinic.count("work_task"),
        2,
        "one of hers and one of her coach's"
    );
}

/// Without a user nobody could see her task; it is made on the day after she has one.
#[tokio::test]
async fn a33_it_comes_once_she_has_a_user_and_stands_in_the_list_until_then() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| setup.amend = told).await;
    clinic.join(&maya);
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "About my check-in").await;
    clinic.answer(&maya, "Answer: unwell").await;
    assert!(clinic.owners(&maya).is_empty());
    clinic.item(&maya, "stopped").await;
    clinic.alex_joins();
    clinic.until("2026-11-06 10:00").await;
    assert_eq!(clinic.owners(&maya), ["Alex"]);
    clinic.until("2026-11-20 10:00").await;
    assert_eq!(clinic.owners(&maya), ["Alex"], "and once");
}

#[tokio::test]
async fn nothing_of_it_where_no_user_is_named_or_nothing_is_sent() {
    let (clinic, maya) = replied().await;
    clinic.answer(&maya, "Answer: complaint").await;
    clinic.until("2026-11-09 10:00").await;
    assert!(clinic.owners(&maya).is_empty());

    let maya = Person::maya();
    let amend = |text: &str| told(&text.replace("mode = \"act\"", "mode = \"propose\""));
    let clinic = Clinic::open_with(|setup| setup.amend = amend).await;
    clinic.alex_joins();
    clinic.join(&maya);
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "About my check-in").await;
    clinic.done(&maya, "reply", "complaint", None).await;
    clinic.until("2026-11-06 10:00").await;
    assert!(clinic.tasks(&maya).is_empty());
}

/// Her answer stands in the task, and no webhook told of it: it is read before the client hears anything.
#[tokio::test]
async fn a33_her_coach_is_in_the_list_of_work_and_she_is_not() {
    let maya = Person::maya();
    let amend =
        |text: &str| told(&text.replace("coach_tasks_a_day = 100", "coaches = \"work_list\""));
    let clinic = Clinic::open_with(|setup| setup.amend = amend).await;
    clinic.alex_joins();
    clinic.join(&maya);
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "About my check-in").await;
    assert!(clinic.tasks(&maya).is_empty());
    clinic.done(&maya, "reply", "complaint", None).await;
    clinic.hooks_arrive().await;
    let task = clinic.task_of(&maya, "Alex");
    clinic.completes(task.id, Some("Answer: continue")).await;
    assert_eq!(clinic.status(&maya).await, "open");
}

#[tokio::test]
async fn a33_a_crash_asks_her_once_and_takes_her_answer_once() {
    for place in [
        "effect.settle.before",
        "effect.settle.after",
        "effect.attempt.before",
        "effect.attempt.after",
    ] {
        let (mut clinic, maya) = wrote().await;
        let stop = Arc::new(StopAt::unarmed(place));
        let restarted = clinic.world.restart_with(Arc::clone(&stop) as _).await;
        restarted.expect("a restart");
        clinic.hooks_arrive().await;
        stop.arm();
        tokio::select! {
            () = clinic.answer(&maya, "Answer: complaint") => panic!("{place} was never passed"),
            () = stop.stopped() => {}
        }
        clinic.world.restart().await.expect("a restart");
        clinic.hooks_arrive().await;
        clinic.until("2026-11-05 12:00").await;
        let task = clinic.task_of(&maya, "Alex");
        clinic.completes(task.id, Some("Answer: continue")).await;
        clinic.until("2026-11-05 14:00").await;
        assert_eq!(clinic.status(&maya).await, "open", "{place}");
        let of_alex = clinic
            .tasks(&maya)
            .into_iter()
            .filter(|task| task.owner == "Alex");
        assert_eq!(of_alex.count(), 1, "{place}");
    }
}

/// Both were asked. What one wrote and nobody has told of counts before what the other's word lets out.
#[tokio::test]
async fn a33_a_stop_in_the_other_task_is_read_before_that_is_closed() {
    let (clinic, maya) = wrote().await;
    clinic.until("2026-11-09 10:00").await;
    let hers = clinic.task_of(&maya, "Alex");
    let text = hers
        .description
        .replace("\nAnswer:\n", "\nAnswer: no contact\n");
    clinic.keap(json!({ "act": "edit_task", "task": hers.id, "changes": { "description": text } }));
    clinic.done(&maya, "reply", "resume", None).await;
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(clinic.status(&maya).await, "paused");
    assert!(
        clinic
            .work_kinds(&maya)
            .await
            .contains(&"stopped".to_owned())
    );
}

/// A word that her task does not offer is none, and keeps nothing back for ever.
#[tokio::test]
async fn a33_what_is_not_hers_to_say_there_holds_no_message() {
    let (clinic, maya) = wrote().await;
    clinic.until("2026-11-09 10:00").await;
    let hers = clinic.task_of(&maya, "Alex");
    let text = hers
        .description
        .replace("\nAnswer:\n", "\nAnswer: leave out\n");
    clinic.edits(hers.id, &text).await;
    let beths = clinic.task_of(&maya, "Beth");
    clinic.completes(beths.id, Some("Answer: continue")).await;
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(
        clinic.outreach(&maya).len(),
        2,
        "{:?}",
        clinic.outreach(&maya)
    );
}

/// What needs no second pair of eyes stands in the list alone: a task for each would hide those that matter.
#[tokio::test]
async fn a8_what_a_coach_does_by_hand_is_no_task_of_the_managers() {
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| setup.amend = told).await;
    clinic.alex_joins();
    clinic.join(&maya);
    clinic.until("2026-11-13 12:00").await;
    assert_eq!(clinic.item(&maya, "by_hand").await.owner, "Alex");
    assert_eq!(clinic.owners(&maya), ["Beth"]);
}

/// Without Keap there is nothing to be read in it, and the portal's messages go out.
#[tokio::test]
async fn a33_her_open_task_holds_nothing_once_there_is_no_keap() {
    let (mut clinic, maya) = wrote().await;
    clinic.answer(&maya, "Answer: no contact").await;
    clinic.task_of(&maya, "Alex");
    clinic.done(&maya, "stopped", "close", None).await;
    let off = |text: &str| text.replace("[keap]\nmode = \"on\"", "[keap]\nmode = \"off\"");
    clinic.world.reconfigure(off).await.expect("again");
    clinic.check_in_due(maya.id, "ci_next", "2026-11-16");
    clinic.until("2026-11-18 12:00").await;
    let items = clinic.work_kinds(&maya).await;
    assert!(!items.contains(&"dead_job".to_owned()), "{items:?}");
}

#[tokio::test]
async fn a33_what_is_open_goes_to_whom_the_setting_names_now_and_is_closed_where_it_names_nobody() {
    let (mut clinic, maya) = wrote().await;
    clinic.keap(json!({ "act": "add_user", "id": 14, "email": "kim@clinic.example.test", "given_name": "Kim" }));
    clinic.answer(&maya, "Answer: complaint").await;
    clinic.task_of(&maya, "Alex");
    let to_kim = |text: &str| {
        text.replace("program_manager = \"Alex\"", "program_manager = \"Kim\"")
            .replace(ALEX, "kim@clinic.example.test")
    };
    clinic.world.reconfigure(to_kim).await.expect("again");
    clinic.until("2026-11-06 09:10").await;
    assert_eq!(clinic.owners(&maya), ["Kim"]);
    let hers = clinic.task_of(&maya, "Kim");
    assert!(!hers.title.starts_with("Asked again"), "{}", hers.title);
    clinic.until("2026-11-10 09:10").await;
    assert_eq!(clinic.task_of(&maya, "Kim").id, hers.id, "and once");

    // Nobody any more, and coaches are asked in the list of work.
    let nobody = |text: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.retain(|line| !line.starts_with("program_manager"));
        let at = lines
            .iter()
            .position(|line| *line == "[people]")
            .expect("people");
        lines.insert(at + 1, "coaches = \"work_list\"");
        lines.join("\n")
    };
    clinic.world.reconfigure(nobody).await.expect("again");
    clinic.until("2026-11-11 09:10").await;
    assert_eq!(clinic.owners(&maya), Vec::<String>::new());
    clinic.item(&maya, "stopped").await;
    assert_eq!(clinic.status(&maya).await, "paused");
}

/// She wrote her answer while the relay was down, and another manager is named when it is started again.
#[tokio::test]
async fn a33_what_was_written_before_the_setting_changed_counts() {
    let (mut clinic, maya) = wrote().await;
    clinic.answer(&maya, "Answer: complaint").await;
    let task = clinic.task_of(&maya, "Alex");
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    let written = task.description.replace("\nAnswer:\n", "\nAnswer: close\n");
    clinic.keap(
        json!({ "act": "edit_task", "task": task.id, "changes": { "description": written } }),
    );
    let to_kim = |text: &str| text.replace(ALEX, "kim@clinic.example.test");
    clinic.world.reconfigure(to_kim).await.expect("again");
    clinic.until("2026-11-06 09:10").await;
    assert_eq!(clinic.status(&maya).await, "closed");
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}
