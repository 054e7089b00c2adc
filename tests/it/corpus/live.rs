//! What every corpus must still be good for: read, shown, gone on with, closed.

use std::collections::{BTreeMap, BTreeSet};

use clap::Parser as _;
use clear_relay::cli::{Cli, Output, run};
use clear_relay::engine::commands::cases;
use clear_relay::engine::dispatcher;
use clear_relay::sandbox::cast::Cast;
use clear_relay::sandbox::stage;
use clear_relay::sandbox::world::{Setup, World};
use clear_relay::wiring::store::SqliteStores;
use relay_core::case::{Case, Wait};
use relay_core::effects::EffectKind;
use relay_core::ids::EffectKey;
use relay_core::time::SignedDuration;
use relay_core::workflow::Action;
use relay_core::workflows::missed_check_in::{self, State};
use relay_store::{EffectState, JobFilter, JobState, Store};
use serde_json::json;
use tempfile::TempDir;

use super::about::{self, Corpus};
use super::rows;
use crate::edge::clinic::{ALL, at};
use crate::support::tools::Tools as _;

/// How long a clinic lives on: over every wait, reminder and escalation of today's procedures.
const LIVES_ON: SignedDuration = SignedDuration::from_hours(24 * 21);

/// A copy of a corpus, migrated, and the clinic around it, a moment after it was cut off.
struct Life {
    world: World,
    folder: TempDir,
}

impl Life {
    async fn of(corpus: &Corpus) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(about::DATABASE);
        std::fs::copy(corpus.file(about::DATABASE), &path).expect("copied");
        let cast = std::fs::read_to_string(corpus.file(about::CAST)).expect("a cast");
        let cast = Cast::parse(&cast).expect("a cast");
        let setup = Setup::new(at(&corpus.about.until), 5);
        let world = World::new(setup, &path).await.expect("a world");
        stage::set(&cast, &world.vendors, world.zone()).expect("a stage");
        // Whoever held a lease has died long since.
        world.real.advance(SignedDuration::from_hours(24));
        dispatcher::rescue(&world.relay.engine)
            .await
            .expect("rescued");
        Self { world, folder }
    }

    fn store(&self) -> &dyn Store {
        self.world.store().as_ref()
    }

    /// Outreach may go on.
    async fn resume(&self) {
        let resumed = cases::set_stopped(&self.world.relay.engine, false, "Robin", None);
        resumed.await.expect("resumed");
    }

    async fn settle(&self) {
        self.world.settle().await.expect("the queue goes on");
    }

    /// Nothing was unreadable, nothing panicked, and every case that is not closed waits for
    /// something that will come.
    async fn is_sound(&self, told: &str) {
        for job in rows::jobs(self.store()).await {
            for attempt in self.store().attempts(job.id).await.expect("attempts") {
                let Some(error) = attempt.error else { continue };
                let unreadable = [
                    "payload",
                    "no such kind",
                    "panicked",
                    "missing field",
                    "unknown variant",
                ]
                .iter()
                .any(|word| error.message.contains(word));
                assert!(!unreadable, "{told}: {} {}: {error:?}", job.kind, job.key);
            }
        }
        for case in rows::cases(self.store()).await {
            self.waits(&case, told).await;
        }
    }

    async fn waits(&self, case: &Case, told: &str) {
        let called = rows::called(case);
        assert!(
            !called.contains("the stored state of the case can't be read"),
            "{told}: {called}"
        );
        if case.procedure == missed_check_in::NAME {
            let state = serde_json::from_value::<State>(case.data.clone());
            state.unwrap_or_else(|error| panic!("{told}: {called}: {error}"));
        }
        if case.status.is_closed() {
            assert_eq!(case.wait, None, "{told}: {called}");
            return;
        }
        let wait = case.wait.as_ref().expect("an open case waits");
        let of_case = JobFilter {
            states: vec![JobState::Ready, JobState::Running, JobState::Parked],
            case: Some(case.id),
            ..JobFilter::default()
        };
        let jobs = self.store().jobs(&of_case, ALL).await.expect("jobs");
        let has = |kind: &str| jobs.iter().any(|job| job.kind == kind);
        let work = self.store().case_work(case.id).await.expect("work items");
        let carried = match wait {
            Wait::Timer { .. } => has("timer"),
            Wait::Effect { .. } => has("effect"),
            Wait::Read { .. } => has("read"),
            Wait::Person { .. } => work.iter().any(|item| item.settled.is_none()),
        };
        assert!(carried, "{told}: nothing carries {wait:?} of {called}");
    }

    async fn command(&self, args: &[&str]) -> String {
        let config = self.folder.path().join("relay.toml");
        let path = self.folder.path().join(about::DATABASE);
        let text = format!("[store]\npath = {:?}\n", path.display().to_string());
        std::fs::write(&config, text).expect("written");
        let config = config.to_str().expect("text");
        let all = [&["clear-relay", "--config", config], args].concat();
        let cli = Cli::try_parse_from(all).expect("a valid command line");
        let mut bytes = Vec::new();
        let done = run(&cli, &SqliteStores, &mut Output::new(&mut bytes, cli.json)).await;
        done.unwrap_or_else(|error| panic!("{args:?}: {error}"));
        String::from_utf8(bytes).expect("text")
    }
}

#[tokio::test]
async fn every_case_item_and_job_can_be_shown_and_explained() {
    for corpus in about::all() {
        let life = Life::of(&corpus).await;
        for case in rows::cases(life.store()).await {
            let id = case.id.to_string();
            for what in ["show", "explain"] {
                let text = life.command(&["cases", what, &id]).await;
                assert!(text.contains(&id), "{}", rows::called(&case));
                life.command(&["cases", what, &id, "--json"]).await;
            }
        }
        for item in rows::work(life.store()).await {
            let id = item.id.to_string();
            life.command(&["work", "show", &id]).await;
        }
        for job in rows::jobs(life.store()).await {
            let id = job.id.to_string();
            life.command(&["jobs", "show", &id]).await;
        }
        life.command(&["cases", "list", "--all"]).await;
        life.command(&["work", "list"]).await;
        life.command(&["jobs", "list"]).await;
    }
}

#[tokio::test]
async fn every_case_goes_on_by_itself_and_every_effect_under_way_ends() {
    for corpus in about::all() {
        let life = Life::of(&corpus).await;
        let under_way: Vec<EffectKey> = rows::effects(life.store())
            .await
            .iter()
            .filter(|effect| {
                matches!(
                    effect.state,
                    EffectState::Planned | EffectState::Intended | EffectState::Unclear
                )
            })
            .map(|effect| effect.key().clone())
            .collect();
        assert!(!under_way.is_empty(), "the corpus has effects under way");
        // The stop that is stored still holds.
        life.settle().await;
        let sent = life.world.vendors.accepted();
        let outreach = sent.iter().find(|entry| {
            EffectKind::from_name(&entry.operation).is_some_and(EffectKind::is_outreach)
        });
        assert_eq!(outreach.map(|entry| &entry.operation), None, "stopped");
        life.is_sound("while stopped").await;

        life.resume().await;
        life.world.run_for(LIVES_ON).await.expect("a run");
        life.is_sound("after three weeks").await;
        for key in under_way {
            let effect = life.store().effect(&key).await.expect("a store");
            let state = effect.expect("it is there").state;
            assert!(
                !matches!(
                    state,
                    EffectState::Planned | EffectState::Intended | EffectState::Unclear
                ),
                "{key} is still {}",
                state.as_str()
            );
        }
        let running = JobFilter {
            states: vec![JobState::Running],
            ..JobFilter::default()
        };
        let running = life.store().jobs(&running, ALL).await.expect("jobs");
        assert!(running.is_empty(), "{running:?}");
    }
}

#[tokio::test]
async fn every_open_follow_up_hears_a_reply_and_ends_with_the_check_in() {
    for corpus in about::all() {
        let life = Life::of(&corpus).await;
        life.resume().await;
        let mut open = rows::open_cases(life.store()).await;
        open.retain(|case| case.procedure == missed_check_in::NAME);
        assert!(open.len() > 20, "the corpus has open follow-ups");
        let act = |what| life.world.vendors.portal().act(what).expect("an act");
        let clients: BTreeSet<String> = open.iter().map(|case| case.client.to_string()).collect();
        for client in &clients {
            act(json!({ "act": "client_writes", "client": client, "text": "Sorry, I was away" }));
        }
        life.settle().await;
        life.is_sound("after a reply").await;
        for case in &open {
            let now = life.store().case(case.id).await.expect("a store");
            let now = now.expect("a case");
            assert_ne!(now.status.as_str(), "open", "{}", rows::called(&now));
        }
        for case in &open {
            let state: State = serde_json::from_value(case.data.clone()).expect("a state");
            let client = case.client.as_str();
            // What the story has added on its way, the emulated portal has to be told again.
            let portal = &life.world.vendors.portal();
            let _ = portal.act(json!({ "act": "add_check_in", "client": client,
                                       "id": state.check_in, "due": state.due }));
            act(json!({ "act": "check_in", "client": client, "check_in": state.check_in }));
        }
        life.settle().await;
        life.is_sound("after the check-in").await;
        for case in &open {
            let now = life.store().case(case.id).await.expect("a store");
            let now = now.expect("a case");
            assert!(now.status.is_closed(), "{}", rows::called(&now));
        }
    }
}

#[tokio::test]
async fn every_open_case_takes_a_persons_word_and_can_be_closed() {
    for corpus in about::all() {
        let life = Life::of(&corpus).await;
        life.resume().await;
        let engine = &life.world.relay.engine;
        for case in rows::open_cases(life.store()).await {
            let reason = || "a person decides".to_owned();
            // Which of these apply is the procedure's business; that it answers is the corpus's.
            for action in [Action::Pause { reason: reason() }, Action::Resume] {
                if let Err(error) = cases::decide_case(engine, case.id, "Robin", action).await {
                    assert!(
                        matches!(error, clear_relay::engine::EngineError::Refused(_)),
                        "{}: {error}",
                        rows::called(&case)
                    );
                }
            }
            let close = Action::Close { reason: reason() };
            let closed = cases::decide_case(engine, case.id, "Robin", close).await;
            closed.unwrap_or_else(|error| panic!("{}: {error}", rows::called(&case)));
        }
        life.is_sound("after closing").await;
        life.world
            .run_for(SignedDuration::from_hours(24 * 4))
            .await
            .expect("a run");
        life.is_sound("four days after closing").await;
        let open: Vec<String> = rows::open_cases(life.store())
            .await
            .iter()
            .filter(|case| case.opened_at < at(&corpus.about.until))
            .map(rows::called)
            .collect();
        assert_eq!(open, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_version_of_a_procedure_still_renders_what_its_cases_send() {
    use relay_core::case::Mode;
    use relay_core::procedure::MissedCheckInProcedure;
    use relay_core::scripts::Values;

    for corpus in about::all() {
        let life = Life::of(&corpus).await;
        let mut versions = BTreeMap::new();
        for case in rows::cases(life.store()).await {
            versions.insert(case.procedure_hash, case.procedure);
        }
        let mut of_follow_ups = 0;
        for (hash, name) in versions {
            let stored = life.store().procedure(&hash).await.expect("a store");
            let stored = stored.unwrap_or_else(|| panic!("version {hash} of {name}"));
            if name != missed_check_in::NAME {
                continue;
            }
            of_follow_ups += 1;
            let body = serde_json::from_str(&stored.body).expect("JSON");
            let read = MissedCheckInProcedure::from_body(&body, Mode::Act).expect("read");
            assert_eq!(read.hash(), hash, "a version keeps its name");
            let values = Values {
                records: relay_core::clients::Records::Portal,
                client_name: Some("Nell".to_owned()),
                coach_name: Some("Beth".to_owned()),
                coach_unknown: false,
                due: Some("2026-11-03".parse().expect("a date")),
            };
            for (id, script) in &read.scripts.0 {
                let rendered = script.render(id, &values).expect("rendered");
                assert!(rendered.chars > 0, "{id}");
            }
        }
        assert!(of_follow_ups > 1, "the corpus has an older version");
    }
}

#[tokio::test]
async fn sealed_tokens_open_with_their_key() {
    use clear_relay::credentials::{SealKey, Sealer};

    for corpus in about::all() {
        let life = Life::of(&corpus).await;
        let key = secrecy::SecretString::from(corpus.about.seal_key.clone());
        let sealer = Sealer::new(SealKey::read(&key).expect("a key"), Vec::new());
        for name in ["keap", "corpus-uncertain", "corpus-dead"] {
            let row = life.store().credential(name).await.expect("a store");
            let pair = row.unwrap_or_else(|| panic!("{name}")).pair;
            let opened = sealer.open(&pair.key_id, name, pair.version, &pair.sealed);
            let opened: serde_json::Value =
                serde_json::from_slice(&opened.expect("opened")).expect("JSON");
            assert!(opened["access"].is_string() && opened["refresh"].is_string());
        }
    }
}
