//! Days, clocks and outages: E28–E32.

use relay_core::time::{DateTime, SignedDuration};
use serde_json::json;

use super::clinic::{ALL, Clinic, Person, at};

#[tokio::test]
async fn e28_a_day_closed_at_short_notice_moves_what_is_pending() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let mut clinic = Clinic::with(&[maya.clone(), jo.clone()]).await;
    clinic.until("2026-11-05 20:00").await;
    // Snow on Friday the 6th: the cases are open, the calendar is not theirs to keep.
    clinic
        .world
        .reconfigure(|text| text.replace("[clinic]", "[clinic]\nclosed_days = [\"2026-11-06\"]"))
        .await
        .expect("a restart");
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "9 09:00 email"]
    );
    assert_eq!(
        clinic.outreach(&jo),
        ["4 09:00 portal_message", "9 09:00 call_task"]
    );
}

#[tokio::test]
async fn e29_forty_eight_hours_are_forty_eight_hours_when_the_clocks_change() {
    let mut maya = Person::maya();
    maya.due = Some("2027-03-12");
    maya.regimen = Some("2027-02-26");
    let clinic = Clinic::open_with(|setup| setup.start = at("2027-03-11 09:00")).await;
    clinic.join(&maya);
    // First message on Saturday at 9:00; on Sunday the clocks go forward.
    clinic.until("2027-03-15 12:00").await;
    let case = clinic.case(&maya).await;
    let lines = clinic.store().timeline(case.id).await.expect("a history");
    let chosen = lines
        .iter()
        .find(|line| line.step == "choose_channel")
        .expect("a decision");
    let local = clinic.world.zone().to_datetime(chosen.at);
    assert_eq!(
        local,
        "2027-03-15T10:00".parse::<DateTime>().expect("a time")
    );
    assert_eq!(clinic.outreach(&maya)[0], "13 09:00 portal_message");
    assert!(clinic.outreach(&maya)[1].starts_with("15 10:0"));
}

#[tokio::test]
async fn e29_the_leap_day_is_a_day_like_any_other() {
    let mut maya = Person::maya();
    maya.due = Some("2028-02-28");
    maya.regimen = Some("2028-02-14");
    let mut jo = Person::jo();
    jo.due = Some("2028-02-29");
    jo.regimen = Some("2028-02-15");
    let clinic = Clinic::open_with(|setup| setup.start = at("2028-02-27 09:00")).await;
    clinic.join(&maya);
    clinic.join(&jo);
    clinic.until("2028-03-01 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["29 09:00 portal_message"]);
    assert_eq!(clinic.outreach(&jo), ["1 09:00 portal_message"]);
    let jos = &clinic.accepted(&jo)[0].content;
    let text = jos["text"].as_str().expect("a text");
    assert!(text.contains("yesterday, February 29."), "{text}");
}

#[tokio::test]
async fn e30_after_five_days_down_only_what_is_still_right_is_done_and_nobody_gets_a_burst() {
    let maya = Person::maya();
    let jo = Person::jo();
    let [fay, gail, late] = [
        ("fay", 203, "2026-11-03"),
        ("gail", 204, "2026-11-03"),
        ("late", 205, "2026-11-05"),
    ]
    .map(|(id, contact, due)| Person {
        id,
        contact,
        due: Some(due),
        ..Person::maya()
    });
    let everybody = [&maya, &jo, &fay, &gail, &late].map(Clone::clone);
    let clinic = Clinic::with(&everybody).await;
    clinic.until("2026-11-04 12:00").await;

    // Nobody works until Monday the 9th. Meanwhile one checks in and one writes.
    clinic.world.jump(at("2026-11-08 10:00"));
    clinic.portal(json!({ "act": "check_in", "client": "fay" }));
    clinic.portal(json!({ "act": "client_writes", "client": "gail", "text": "I was away" }));
    clinic.world.jump(at("2026-11-09 10:00"));
    clinic.settle().await;

    let first = "4 09:00 portal_message";
    assert_eq!(clinic.outreach(&maya), [first, "9 10:00 email"]);
    assert_eq!(clinic.outreach(&jo), [first, "9 10:00 call_task"]);
    assert_eq!(clinic.outreach(&fay), [first], "she checked in");
    assert_eq!(clinic.closed(&fay).await, "the check-in was submitted");
    assert_eq!(clinic.outreach(&gail), [first], "she wrote");
    assert_eq!(clinic.work_kinds(&gail).await, ["reply"]);
    // "Yesterday" would be false by now: held with the text ready, never sent late.
    assert!(clinic.outreach(&late).is_empty());
    let held = clinic.item(&late, "hold").await;
    assert!(held.detail.to_string().contains("S1"), "{}", held.detail);

    clinic.until("2026-11-10 12:00").await;
    assert_eq!(
        clinic.outreach(&maya).len(),
        2,
        "no second one for the lost days"
    );
}

#[tokio::test]
async fn e31_what_was_overdue_before_the_first_start_is_listed_and_released_one_by_one() {
    let [old, older, maya] = [
        ("old", 203, "2026-10-30"),
        ("older", 204, "2026-10-01"),
        ("maya", 201, "2026-11-03"),
    ]
    .map(|(id, contact, due)| Person {
        id,
        contact,
        due: Some(due),
        ..Person::maya()
    });
    let clinic = Clinic::with(&[old.clone(), older.clone(), maya.clone()]).await;
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    for person in [&old, &older] {
        assert!(clinic.story(person).is_empty(), "{}", person.id);
        assert!(clinic.cases(person).await.is_empty());
        assert_eq!(
            clinic.item(person, "backlog").await.owner,
            "program_manager"
        );
    }

    clinic.done(&older, "backlog", "dismiss", None).await;
    clinic.done(&old, "backlog", "release", None).await;
    clinic.until("2026-11-12 12:00").await;
    assert!(
        clinic.cases(&older).await.is_empty(),
        "dismissed is dismissed"
    );
    assert!(clinic.work_kinds(&older).await.is_empty());
    // Released: followed up, but "yesterday" is not said of October 30.
    assert_eq!(clinic.work_kinds(&old).await, ["hold"]);
    assert!(clinic.beside_inbox(&old).is_empty());
    clinic.done(&old, "hold", "done_by_hand", None).await;
    clinic.until("2026-11-16 12:00").await;
    let outreach = clinic.outreach(&old);
    assert_eq!(outreach.len(), 1, "{outreach:?}");
    assert!(outreach[0].ends_with(" email"), "{outreach:?}");
}

#[tokio::test]
async fn e31_a_restart_is_no_first_start() {
    let maya = Person::maya();
    let mut clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-02 12:00").await;
    // Down over the due day and started again after it: missed under our eyes, not before us.
    clinic.world.jump(at("2026-11-04 08:00"));
    clinic.world.restart().await.expect("a restart");
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let open = clinic.store().open_work(None, ALL).await.expect("work");
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn e31_a_case_that_stands_still_for_a_month_is_told_to_the_manager_once() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-12 12:00").await;
    let (case, sent) = (clinic.case(&maya).await, clinic.accepted(&maya).len());
    assert_eq!(clinic.work_kinds(&maya).await, ["by_hand"]);
    let day = |days: i64| {
        let moved = case.changed_at;
        let at = moved.saturating_add(SignedDuration::from_hours(24 * days));
        let local = clinic.world.zone().to_datetime(at.expect("a time"));
        local.strftime("%F 12:00").to_string()
    };
    clinic.until(&day(29)).await;
    assert_eq!(clinic.work_kinds(&maya).await, ["by_hand"]);
    clinic.until(&day(32)).await;
    assert_eq!(clinic.item(&maya, "stale").await.owner, "program_manager");
    clinic.done(&maya, "stale", "done", None).await;
    // She knows: not every day anew.
    clinic.until(&day(40)).await;
    assert_eq!(clinic.work_kinds(&maya).await, ["by_hand"]);
    assert_eq!(clinic.case(&maya).await.version, case.version);
    assert_eq!(clinic.accepted(&maya).len(), sent, "nothing automatic");
}

#[tokio::test]
async fn e32_a_due_date_that_moves_closes_the_case_and_counts_anew_from_the_new_day() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 12:00").await;
    clinic.portal(json!({ "act": "reschedule", "check_in": "ci_maya", "due": "2026-11-10" }));
    clinic.until("2026-11-10 23:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert!(clinic.closed(&maya).await.starts_with("rescheduled"));
    clinic.until("2026-11-11 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "11 09:00 portal_message"]
    );
    assert_eq!(clinic.cases(&maya).await.len(), 2);
}
