//! The first days of a clinic that has Keap and nothing else: what its owner sees of proposals, what a mistake of hers
//! leaves, and what overdue check-ins from before come to.

use clap::Parser as _;
use clear_relay::cli::{Cli, Output, run};
use clear_relay::config::Severity;
use clear_relay::engine::commands::{open, work};
use clear_relay::sandbox::clinic::read_config;
use clear_relay::sandbox::world::{Setup, World};
use clear_relay::wiring::emulated::ToldBy;
use clear_relay::wiring::store::SqliteStores;
use relay_store::{Page, WorkItem};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::clinic::at;
use crate::support::tools::Tools as _;

const ALL: Page = Page {
    offset: 0,
    limit: 1000,
};

struct Trial {
    world: World,
    folder: TempDir,
}

impl Trial {
    /// Tuesday morning, November 3, one coach, and a client whose check-in is due on `day`.
    async fn begin(amend: fn(&str) -> String, day: &str) -> Self {
        let mut setup = Setup::new(at("2026-11-03 06:00"), 7);
        setup.told_by = ToldBy::Crm;
        setup.amend = amend;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.sqlite");
        let world = World::new(setup, &path).await.expect("a clinic");
        let trial = Self { world, folder };
        trial.act(
            json!({ "act": "add_user", "id": 11, "email": "beth@clinic.example.test",
                          "given_name": "Beth" }),
        );
        trial.act(
            json!({ "act": "add_contact", "id": 801, "given_name": "Nadia", "family_name": "Moss",
                         "email": "c801@example.test", "email_status": "SINGLE_OPT_IN",
                         "phone": "303-555-0134", "owner": 11,
                         "custom": { "Check-in due": day, "Regimen changed": "2026-10-20" } }),
        );
        trial
    }

    fn act(&self, act: Value) {
        self.world.vendors.keap().act(act).expect("an act");
    }

    fn tag(&self) {
        self.act(json!({ "act": "apply_tag", "contact": 801, "tag": "Check-in missed" }));
    }

    async fn until(&self, time: &str) {
        self.world.run_until(at(time)).await.expect("a run");
    }

    async fn work(&self) -> Vec<WorkItem> {
        let open = self.world.store().open_work(None, ALL).await;
        open.expect("work")
    }

    async fn kinds(&self) -> Vec<String> {
        let open = self.work().await.into_iter();
        open.map(|item| item.kind).collect()
    }

    /// What a command prints.
    async fn says(&self, args: &[&str]) -> String {
        let config = self.folder.path().join("relay.toml");
        let path = self.folder.path().join("relay.sqlite");
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

    async fn case(&self) -> String {
        let open = self.world.store().open_cases(&"keap-801".into()).await;
        let open = open.expect("cases");
        open.first().expect("a case").id.to_string()
    }
}

fn propose(text: &str) -> String {
    text.replace("mode = \"act\"", "mode = \"propose\"")
}

#[tokio::test]
async fn a_proposal_says_what_would_really_be_done_and_in_which_words() {
    let trial = Trial::begin(propose, "2026-11-03").await;
    trial.until("2026-11-04 07:00").await;
    trial.tag();
    trial.until("2026-11-06 12:00").await;
    let told = trial.says(&["cases", "explain", &trial.case().await]).await;
    for part in [
        "First message in the portal: her coach would be asked to send it (propose mode)",
        "message in the portal (a proposal, nothing was sent)",
        "    | Hi Nadia! Your check in was due yesterday, November 3.",
        "email (a proposal, nothing was sent)",
        "    Your check-in was due November 3",
    ] {
        // Nobody opened anything: she is called instead of mailed, with its own words.
        let phone = part.replace("email (a", "call task (a");
        let phone = phone.replace(
            "    Your check-in was due November 3",
            "    CALL Nadia M.: check-in due Nov 3",
        );
        assert!(
            told.contains(part) || told.contains(&phone),
            "{part}\n{told}"
        );
    }
    assert!(!told.contains("would have been sent"), "{told}");

    // By the end of its waits the coach's turn comes, and the list says that it is none yet.
    trial.until("2026-11-10 12:00").await;
    let list = trial.says(&["work", "list"]).await;
    assert!(
        list.contains("[proposal, nothing was sent] Nadia M.: continue by hand"),
        "{list}"
    );
}

/// Released ten days late, the clinic's text would say "yesterday": nobody is shown it as what would be sent.
#[tokio::test]
async fn a_proposal_never_shows_a_text_that_would_not_be_true() {
    let trial = Trial::begin(propose, "2026-10-30").await;
    trial.tag();
    trial.until("2026-11-03 10:00").await;
    let item = trial.work().await.remove(0);
    assert_eq!(item.kind, "backlog");
    let engine = &trial.world.relay.engine;
    work::settle_work(engine, item.id, "Olive", "release", None)
        .await
        .expect("released");
    trial.until("2026-11-04 12:00").await;
    let told = trial.says(&["cases", "explain", &trial.case().await]).await;
    let own_words = "in her own words since no text of the clinic's is so by now: her coach would be asked to send it";
    assert!(told.contains(own_words), "{told}");
    assert!(!told.contains("yesterday"), "{told}");
}

#[tokio::test]
async fn what_was_overdue_before_is_pointed_to_and_settled_by_opening_it() {
    let trial = Trial::begin(propose, "2026-10-30").await;
    trial.tag();
    trial.until("2026-11-03 10:00").await;
    let list = trial.says(&["cases", "list"]).await;
    assert!(
        list.contains("one check-in was overdue before the follow-up was switched on"),
        "{list}"
    );
    let item = trial.work().await.remove(0);
    for (member, says) in [
        ("reason", "before the follow-up was switched on"),
        ("release", "followed up from now on"),
        ("dismiss", "not asked about again"),
    ] {
        let said = item.detail[member].as_str().unwrap_or_default();
        assert!(said.contains(says), "{member}: {}", item.detail);
    }
    let engine = &trial.world.relay.engine;
    let opened = open::open_case(engine, &"keap-801".into(), None, "Olive").await;
    opened.expect("opened");
    assert_eq!(trial.kinds().await, Vec::<String>::new());
}

/// A tag that Keap doesn't have, put right: what failed meanwhile needs nobody any more.
#[tokio::test]
async fn a_mistake_that_was_put_right_leaves_nothing_to_be_done() {
    let wrong = |text: &str| {
        text.replace(
            "missed_tag = \"Check-in missed\"",
            "missed_tag = \"Missed\"",
        )
    };
    let mut trial = Trial::begin(wrong, "2026-11-03").await;
    trial.until("2026-11-04 07:00").await;
    let failed: Vec<WorkItem> = trial.work().await;
    let failed: Vec<_> = failed
        .iter()
        .filter(|item| item.kind == "dead_job")
        .collect();
    assert!(!failed.is_empty());
    // It is tried again by itself: a person who wants it done is told no riddle, and may take it off the list.
    let engine = &trial.world.relay.engine;
    let settled = work::settle_work(engine, failed[0].id, "Olive", "replay", None).await;
    settled.expect("settled");
    trial.tag();
    let right = |text: &str| {
        text.replace(
            "missed_tag = \"Missed\"",
            "missed_tag = \"Check-in missed\"",
        )
    };
    trial.world.reconfigure(right).await.expect("again");
    trial.until("2026-11-05 12:00").await;
    let left = trial.work().await;
    let left: Vec<_> = left.iter().filter(|item| item.kind == "dead_job").collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test]
async fn a_first_trial_needs_no_public_address() {
    let gaps = |text: &str| {
        let config = read_config(text).expect("valid");
        let gaps = config.gaps();
        let address = gaps.iter().find(|gap| gap.key == "http.public_url");
        address.map(|gap| gap.severity)
    };
    let trial = Trial::begin(str::to_owned, "2026-11-03").await;
    let text = trial.world.config_text();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("public_url"))
        .collect();
    let without = lines.join("\n");
    assert_eq!(gaps(&without), Some(Severity::Warning));
    let hooks_alone = without
        .replace("missed_tag", "#missed_tag")
        .replace("due_field", "#due_field");
    let hooks_alone = hooks_alone
        .replace("checked_in_tag", "#checked_in_tag")
        .replace("checked_in_field", "#checked_in_field")
        .replace("regimen_field", "#regimen_field");
    // Nobody tells yet: that is said by itself, once.
    assert_eq!(gaps(&hooks_alone), Some(Severity::Warning));
    let portal = "\n[clear_connection]\nmode = \"on\"\nbase_url = \"https://portal.example.test/\"\ntoken = \"t\"\n\
                  capabilities = { events = false }\n";
    assert_eq!(
        gaps(&format!("{hooks_alone}{portal}")),
        Some(Severity::Error)
    );
    let list = "\n[check_ins]\nfrom = \"list\"\ncoaches = { beth = \"Beth <beth@clinic.example.test>\" }\n";
    let with_a_file = format!("{}{list}", hooks_alone.replace("[keap.check_ins]", ""));
    assert_eq!(gaps(&with_a_file), Some(Severity::Warning));
}
