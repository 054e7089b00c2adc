//! Promises 7 and 8: nothing is forgotten, and off means off.

use std::collections::BTreeSet;

use clear_relay::config::Config;
use clear_relay::engine::commands::cases;
use clear_relay::sandbox::cast::Cast;
use clear_relay::sandbox::play::{Options, Play};
use clear_relay::sandbox::world::Setup;
use relay_core::case::{Case, Mode, Wait};
use relay_core::effects::{EffectKind, Settled};
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{EffectState, Job, JobFilter, JobState, Store, WorkItem};

use crate::corpus::rows;
use crate::edge::clinic::{ALL, Clinic, Person};

/// The whole cast, with every fault that is in it: at every few moments and at the end, each case
/// that is not closed has one wait, which will end by itself or by a person who is reminded.
#[tokio::test]
async fn promise_7_every_open_case_has_exactly_one_wait_with_an_alarm() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relay.sqlite");
    let cast = Cast::shipped("full").expect("a cast");
    let options = Options {
        seed: 7,
        sabotage: None,
    };
    let mut play = Play::new(cast, options, &path).await.expect("a stage");
    let (mut moments, mut looked_at) = (0, 0);
    loop {
        let goes_on = play.step().await.expect("a moment");
        moments += 1;
        if moments % 20 == 0 || !goes_on {
            let now = play.world.now();
            for case in rows::open_cases(play.world.store().as_ref()).await {
                one_wait(play.world.store().as_ref(), &case, now).await;
                looked_at += 1;
            }
        }
        if !goes_on {
            break;
        }
    }
    play.dismiss();
    assert!(looked_at > 200, "{looked_at} looks in {moments} moments");
}

/// Asserts that a job comes about by itself: it runs, or will be claimed within a month; or it is parked
/// for a person, who has an open item.
fn comes(job: &Job, work: &[WorkItem], now: Timestamp, called: &str) {
    let soon = now + SignedDuration::from_hours(24 * 31);
    let asked = work.iter().any(|item| item.settled.is_none());
    let good = match job.state {
        JobState::Running => true,
        JobState::Ready => job.run_at <= soon,
        JobState::Parked => asked,
        _ => false,
    };
    let (key, state, at) = (&job.key, job.state.as_str(), job.run_at);
    assert!(good, "{called}: {key} is {state}, at {at}, now {now}");
}

async fn one_wait(store: &dyn Store, case: &Case, now: Timestamp) {
    let called = rows::called(case);
    let of_case = JobFilter {
        states: vec![JobState::Ready, JobState::Running, JobState::Parked],
        case: Some(case.id),
        ..JobFilter::default()
    };
    let jobs = store.jobs(&of_case, ALL).await.expect("jobs");
    let work = store.case_work(case.id).await.expect("work items");
    let timers: Vec<_> = jobs.iter().filter(|job| job.kind == "timer").collect();
    let wait = case.wait.as_ref().expect("it waits");
    if !matches!(wait, Wait::Timer { .. }) {
        assert!(timers.is_empty(), "{called}: a timer beside {wait:?}");
    }
    match wait {
        Wait::Timer { until, .. } => {
            assert_eq!(timers.len(), 1, "{called}");
            assert_ne!(timers[0].state, JobState::Parked, "{called}");
            comes(timers[0], &work, now, &called);
            let (due, generation) = (timers[0].run_at, &timers[0].payload["generation"]);
            assert_eq!(
                (due, generation.as_u64()),
                (*until, Some(case.generation)),
                "{called}"
            );
        }
        Wait::Effect { key } => {
            let effect = store
                .effect(key)
                .await
                .expect("a store")
                .expect("an effect");
            let under_way = matches!(
                effect.state,
                EffectState::Planned | EffectState::Intended | EffectState::Unclear
            );
            assert!(under_way, "{called}");
            let key = relay_store::effect_job_key(key);
            let job = jobs.iter().find(|job| job.key == key);
            let job = job.unwrap_or_else(|| panic!("{called}: no job of its effect"));
            comes(job, &work, now, &called);
            let ended: Option<Settled> = effect.settled;
            assert_eq!(ended, None, "{called}");
        }
        Wait::Read { .. } => {
            let job = jobs.iter().find(|job| job.kind == "read");
            let job = job.unwrap_or_else(|| panic!("{called}: no job of its read"));
            comes(job, &work, now, &called);
        }
        Wait::Person { who, .. } => {
            assert!(!who.is_empty(), "{called}");
            let open: Vec<_> = work.iter().filter(|item| item.settled.is_none()).collect();
            assert!(!open.is_empty(), "{called}: nobody is asked");
            for item in open {
                assert!(
                    !item.actions.is_empty(),
                    "{called}: {} leads nowhere",
                    item.kind
                );
                let key = format!("reminder/{}", item.id);
                let reminder = store.job_by_key(&key).await.expect("a store");
                let reminder = reminder.unwrap_or_else(|| panic!("{called}: no reminder"));
                let soon = now + SignedDuration::from_hours(24 * 14);
                assert!(
                    reminder.state == JobState::Ready && reminder.run_at <= soon,
                    "{called}: {} at {}",
                    reminder.state.as_str(),
                    reminder.run_at
                );
            }
        }
    }
}

/// A configuration that says nothing proposes; what is proposed is shown and never sent; a stop
/// halts everything at once; and what was overdue before the relay was switched on is listed.
#[tokio::test]
async fn promise_8_off_means_off() {
    let silent = Config::parse(
        "",
        std::path::Path::new(""),
        std::collections::HashMap::new(),
    );
    let silent = silent.expect("a configuration that says nothing");
    let procedure = silent.procedures.missed_check_in.missed_check_in();
    assert_eq!(procedure.expect("a procedure").mode, Mode::Propose);

    let propose: fn(&mut Setup) = |setup| {
        setup.amend = |text| text.replace("mode = \"act\"", "mode = \"propose\"");
    };
    let people = [Person::maya(), Person::jo()];
    let clinic = Clinic::open_with(propose).await;
    for who in &people {
        clinic.join(who);
    }
    clinic.until("2026-11-13 18:00").await;
    assert_eq!(changed(&clinic), BTreeSet::new(), "nothing is sent");
    let effects = rows::effects(clinic.store().as_ref()).await;
    let outreach = effects.iter().filter(|effect| effect.kind().is_outreach());
    let shown: Vec<_> = outreach.collect();
    assert_eq!(shown.len(), 4, "S1 twice, the email, the call");
    for effect in shown {
        assert_eq!(effect.state, EffectState::Proposed, "{}", effect.key());
        assert!(
            effect.request.is_some(),
            "{}: what would go out",
            effect.key()
        );
    }

    // A stop in the middle of everything, with outreach planned, under way and due.
    for (stop, later, sent) in [
        ("2026-11-04 08:59", "2026-11-04 14:00", 0),
        ("2026-11-06 08:59", "2026-11-06 14:00", 2),
    ] {
        let clinic = Clinic::with(&people).await;
        clinic.until(stop).await;
        let engine = &clinic.world.relay.engine;
        cases::set_stopped(engine, true, "Robin", None)
            .await
            .expect("stopped");
        clinic.until(later).await;
        let outreach = people.iter().flat_map(|who| clinic.outreach(who)).count();
        assert_eq!(outreach, sent, "stopped at {stop}");
    }

    let overdue = Person {
        due: Some("2026-11-01"),
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&overdue)).await;
    clinic.until("2026-11-20 18:00").await;
    assert_eq!(clinic.outreach(&overdue), Vec::<String>::new());
    assert_eq!(clinic.work_kinds(&overdue).await, ["backlog"]);
}

/// The kinds of effect that the vendors have accepted.
fn changed(clinic: &Clinic) -> BTreeSet<String> {
    let all = clinic.world.vendors.accepted().into_iter();
    let names = all.map(|entry| entry.operation);
    names
        .filter(|name| EffectKind::from_name(name).is_some())
        .collect()
}
