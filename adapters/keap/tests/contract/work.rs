//! Tasks, notes and tags.

use relay_core::facts::CallOutcome;
use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_http_client::CallError;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::{Act, NameFilter, NewUser};
use relay_keap::marker::Marker;
use relay_keap::outcome::from_description;
use relay_keap::{CustomFieldsMode, TaskClosing, TasksAmong};

use super::support::{COACH, MAYA, Setup, at, has_tag, now, setup, setup_with, status};

const TITLE: &str = "CALL Maya R.: check-in due Nov 3, last 3 emails unopened";
const TAG: &str = "Follow-up: phone";

async fn create_task(setup: &Setup, marker: &str) -> Result<String, CallError> {
    let (marker, due) = (Marker::new(marker), at("2026-11-05T16:00:00Z"));
    let text = "Call 303-555-0134.\nOutcome:";
    setup
        .client
        .create_task(Some(MAYA), COACH, TITLE, text, due, &marker)
        .await
}

async fn find_task(setup: &Setup, marker: &str) -> Option<String> {
    let found = setup
        .client
        .find_tasks(TasksAmong::Contact(MAYA), &[Marker::new(marker)], now())
        .await;
    let mut found = found.expect("an answer").into_iter();
    found.next().and_then(|(_, task)| task.id)
}

#[tokio::test]
async fn a_task_is_made_with_its_marker_and_found_by_it() {
    let setup = setup();
    let id = create_task(&setup, "marker_one").await.expect("made");
    let accepted = setup.accepted("call_task");
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].who, MAYA);
    assert_eq!(accepted[0].content["title"], TITLE);
    assert_eq!(
        accepted[0].content["description"],
        "Call 303-555-0134.\nOutcome:\n\nClear Relay, ref. J2G5-RWRX-FEQR"
    );
    assert_eq!(find_task(&setup, "marker_one").await, Some(id.clone()));
    assert_eq!(find_task(&setup, "marker_two").await, None);
    let task = setup
        .client
        .task(&id)
        .await
        .expect("an answer")
        .expect("a task");
    assert_eq!(task.assigned_to_user_id.as_deref(), Some(COACH));
    assert_eq!(task.description.as_deref().and_then(from_description), None);
}

#[tokio::test]
async fn a_task_whose_answer_was_lost_is_found_although_its_title_was_changed() {
    for act in [FaultAct::Hang, FaultAct::Reset, status(500)] {
        let setup = setup();
        setup.fault("call_task", Moment::After, act.clone());
        let error = create_task(&setup, "marker_one").await.expect_err("lost");
        assert_eq!(error.class, Class::Unclear, "{act:?}");
        let id = find_task(&setup, "marker_one").await.expect("it was made");
        let mut changes = serde_json::Map::new();
        changes.insert("title".to_owned(), "mine".into());
        setup.does(Act::EditTask {
            task: id.parse().expect("a number"),
            changes,
        });
        assert_eq!(find_task(&setup, "marker_one").await, Some(id));
    }
}

#[tokio::test]
async fn what_the_coach_writes_is_the_outcome() {
    let setup = setup();
    let id = create_task(&setup, "marker_one").await.expect("made");
    setup.does(Act::CompleteTask {
        task: id.parse().ok(),
        contact: None,
        text: Some("Outcome: Voice mail".to_owned()),
    });
    let task = setup
        .client
        .task(&id)
        .await
        .expect("an answer")
        .expect("a task");
    assert_eq!(task.completed, Some(true));
    let outcome = task.description.as_deref().and_then(from_description);
    assert_eq!(outcome, Some(CallOutcome::Voicemail));
}

#[tokio::test]
async fn a_task_is_completed_once_and_a_coachs_own_completion_is_left_alone() {
    let setup = setup();
    let id = create_task(&setup, "marker_one").await.expect("made");
    setup
        .client
        .complete_task(&id, now(), TaskClosing::TakenBack)
        .await
        .expect("completed");
    setup
        .client
        .complete_task(&id, now(), TaskClosing::TakenBack)
        .await
        .expect("nothing to do");
    assert_eq!(setup.operations(), ["call_task", "close_task"]);
    let task = setup.client.task(&id).await.expect("an answer");
    let task = task.expect("a task");
    assert!(task.is_closed_by_relay());
    let title = task.title.as_deref().expect("a title");
    assert!(title.ends_with(TITLE) && title != TITLE, "{title}");
    // Opened again by the coach, and completed by the relay once more: it is said once.
    setup.does(Act::EditTask {
        task: id.parse().expect("a number"),
        changes: [("completed".to_owned(), false.into())]
            .into_iter()
            .collect(),
    });
    let again = setup
        .client
        .complete_task(&id, now(), TaskClosing::TakenBack)
        .await;
    again.expect("completed");
    let again = setup.client.task(&id).await.expect("an answer");
    assert_eq!(again.expect("a task").title.as_deref(), Some(title));
    let hers = create_task(&setup, "marker_two").await.expect("made");
    setup.does(Act::CompleteTask {
        task: Some(hers.parse().expect("a number")),
        contact: None,
        text: None,
    });
    let hers = setup.client.task(&hers).await.expect("an answer");
    assert!(!hers.expect("a task").is_closed_by_relay());
    // One for a call that was made elsewhere than in the task keeps its title.
    let called = create_task(&setup, "marker_three").await.expect("made");
    let completed = setup
        .client
        .complete_task(&called, now(), TaskClosing::AsItIs)
        .await;
    completed.expect("completed");
    let called = setup.client.task(&called).await.expect("an answer");
    assert!(called.is_some_and(|task| task.completed == Some(true) && !task.is_closed_by_relay()));
    setup.does(Act::DeleteTask {
        task: id.parse().ok(),
        contact: None,
    });
    setup
        .client
        .complete_task(&id, now(), TaskClosing::TakenBack)
        .await
        .expect("gone is closed");
    assert!(setup.client.task(&id).await.expect("an answer").is_none());
}

#[tokio::test]
async fn an_open_task_moves_to_the_new_coach_and_a_completed_one_does_not() {
    let setup = setup();
    let new = NewUser {
        id: Some(8),
        email: "new@example.test".to_owned(),
        ..NewUser::default()
    };
    setup.does(Act::AddUser(new));
    let id = create_task(&setup, "marker_one").await.expect("made");
    setup.client.reassign_task(&id, "8").await.expect("moved");
    setup
        .client
        .reassign_task(&id, "8")
        .await
        .expect("nothing to do");
    assert_eq!(setup.operations(), ["call_task", "reassign_task"]);
    let task = setup
        .client
        .task(&id)
        .await
        .expect("an answer")
        .expect("a task");
    assert_eq!(task.assigned_to_user_id.as_deref(), Some("8"));
    setup
        .client
        .complete_task(&id, now(), TaskClosing::TakenBack)
        .await
        .expect("completed");
    setup
        .client
        .reassign_task(&id, COACH)
        .await
        .expect("nothing to do");
    assert_eq!(setup.accepted("reassign_task").len(), 1);
}

#[tokio::test]
async fn a_note_is_made_with_its_marker_and_found_by_it() {
    let setup = setup();
    let marker = Marker::new("case/step/1/note");
    let made = setup
        .client
        .create_note(MAYA, COACH, "Missed check-in", "Opened 2 of 3.", &marker);
    let id = made.await.expect("made");
    let accepted = setup.accepted("contact_note");
    assert_eq!(
        accepted[0].content["text"],
        format!("Opened 2 of 3.\n\n{}", marker.line())
    );
    let found = setup
        .client
        .find_note(MAYA, std::slice::from_ref(&marker), now())
        .await
        .expect("an answer");
    let found = found.expect("found");
    assert_eq!(found.id, id);
    assert!(found.at.is_some());
    let other = Marker::new("case/step/2/note");
    assert_eq!(
        setup
            .client
            .find_note(MAYA, std::slice::from_ref(&other), now())
            .await
            .expect("an answer"),
        None
    );
}

#[tokio::test]
async fn a_note_that_is_listed_late_is_found_late() {
    let setup = setup_with(|tenant| tenant.note_delay = 60..=60, CustomFieldsMode::Full);
    let marker = Marker::new("case/step/1/note");
    setup.fault("contact_note", Moment::After, FaultAct::Hang);
    let lost = setup
        .client
        .create_note(MAYA, COACH, "Missed check-in", "Text.", &marker)
        .await;
    assert_eq!(lost.expect_err("lost").class, Class::Unclear);
    assert_eq!(
        setup
            .client
            .find_note(MAYA, std::slice::from_ref(&marker), now())
            .await
            .expect("an answer"),
        None
    );
    setup.clock.advance(SignedDuration::from_secs(61));
    assert!(
        setup
            .client
            .find_note(MAYA, std::slice::from_ref(&marker), now())
            .await
            .expect("an answer")
            .is_some()
    );
}

#[tokio::test]
async fn a_tag_is_found_by_its_whole_name_and_put_on_and_off() {
    for filter in [NameFilter::Contains, NameFilter::Equals] {
        let setup = setup_with(|tenant| tenant.name_filter = filter, CustomFieldsMode::Full);
        let client = &setup.client;
        client
            .create_tag("Follow-up: phone, old")
            .await
            .expect("made");
        assert_eq!(
            client.tag_by_name(TAG).await.expect("an answer"),
            None,
            "{filter:?}"
        );
        let old = client
            .tag_by_name("Follow-up: phone, old")
            .await
            .expect("an answer")
            .expect("a name that the filter can't carry is found all the same");
        client.apply_tag(MAYA, &old).await.expect("applied");
        client.create_tag(TAG).await.expect("made");
        let tag = client
            .tag_by_name(TAG)
            .await
            .expect("an answer")
            .expect("a tag");
        assert!(!has_tag(client, MAYA, TAG).await);
        client.apply_tag(MAYA, &tag).await.expect("applied");
        client
            .apply_tag(MAYA, &tag)
            .await
            .expect("a duplicate is no failure");
        assert!(has_tag(client, MAYA, TAG).await);
        client.remove_tag(MAYA, &tag).await.expect("removed");
        assert!(!has_tag(client, MAYA, TAG).await);
    }
}

#[tokio::test]
async fn all_tags_of_a_contact_come_in_one_list_with_the_time_of_each() {
    let setup = setup();
    let act = |tag: &str| relay_keap::emulator::Act::ApplyTag {
        contact: 1001,
        tag: tag.to_owned(),
    };
    setup.keap.perform(act("One")).expect("an act");
    setup.clock.advance(SignedDuration::from_mins(5));
    setup.keap.perform(act("Two")).expect("an act");
    let tags = setup.client.contact_tags(MAYA, None).await;
    let shown: Vec<_> = tags
        .expect("an answer")
        .into_iter()
        .map(|tag| (tag.tag.and_then(|tag| tag.name), tag.applied_time))
        .collect();
    let later = at("2026-11-03T16:05:00Z");
    assert_eq!(
        shown,
        [
            (Some("One".to_owned()), Some(now())),
            (Some("Two".to_owned()), Some(later))
        ]
    );
    let gone = setup.client.contact_tags("9999", None).await;
    assert_eq!(gone.expect_err("nobody").status, Some(404));
}

#[tokio::test]
async fn a_tag_on_somebody_who_is_gone_is_refused_although_keap_answers_200() {
    let setup = setup();
    setup.client.create_tag(TAG).await.expect("made");
    let tag = setup
        .client
        .tag_by_name(TAG)
        .await
        .expect("an answer")
        .expect("a tag");
    let error = setup
        .client
        .apply_tag("99", &tag)
        .await
        .expect_err("nobody");
    assert_eq!(error.class, Class::Permanent);
}

#[tokio::test]
async fn a_task_about_no_contact_is_found_among_its_users_own() {
    let setup = setup();
    setup.does(Act::AddUser(NewUser {
        id: Some(8),
        email: "other@example.test".to_owned(),
        ..NewUser::default()
    }));
    let (marker, due) = (Marker::new("marker_one"), at("2026-11-05T16:00:00Z"));
    let made = setup
        .client
        .create_task(None, COACH, "3 more things wait", "Maya R.", due, &marker)
        .await
        .expect("made");
    let task = setup.client.task(&made).await.expect("an answer");
    let task = task.expect("a task");
    assert_eq!(task.contact_id, None);
    let found = async |among, since| {
        let markers = [Marker::new("marker_two"), marker.clone()];
        let found = setup.client.find_tasks(among, &markers, since).await;
        let found = found.expect("an answer").into_iter();
        found
            .map(|(place, task)| (place, task.id))
            .collect::<Vec<_>>()
    };
    let (day, two_days) = (
        SignedDuration::from_hours(24),
        SignedDuration::from_hours(49),
    );
    let here = [(1, Some(made))];
    assert_eq!(found(TasksAmong::User(COACH), now()).await, here);
    assert_eq!(found(TasksAmong::User(COACH), now() + day).await, here);
    assert_eq!(found(TasksAmong::User(COACH), now() + two_days).await, []);
    assert_eq!(found(TasksAmong::User("8"), now()).await, []);
    assert_eq!(found(TasksAmong::Contact(MAYA), now()).await, []);
}
