//! What comes late: an older file, an older delivery. It turns nothing back that was told since.

use clear_relay::cli::{Cli, CliError, Command, Output};
use clear_relay::config::{Config, Variables};
use clear_relay::engine::commands::open;
use clear_relay::wiring::check_ins::import::list_file;
use serde_json::{Value, json};
use std::path::Path;

use super::Listed;

pub(super) const HEAD: &str =
    "client,first_name,last_name,email,coach,contact,status,check_in,due,submitted,withdrawn";

/// Mara's line.
pub(super) fn mara(status: &str, due: &str, submitted: &str) -> String {
    format!("mara,Mara,Hayes,mara@example.test,coach_beth,601,{status},ci_mara,{due},{submitted},")
}

impl Listed {
    /// `import check-ins` with a file of these lines, as a person runs it.
    pub(super) async fn command(&self, lines: &[String], more: &[&str]) -> Result<Value, CliError> {
        let text = self.printed(lines, &[more, &["--json"]].concat()).await?;
        Ok(serde_json::from_str(&text).expect("one document"))
    }

    pub(super) async fn printed(
        &self,
        lines: &[String],
        more: &[&str],
    ) -> Result<String, CliError> {
        let file = self.folder.path().join("list.csv");
        let text = format!("{HEAD}\n{}\n", lines.join("\n"));
        std::fs::write(&file, text).expect("written");
        let path = file.to_str().expect("text");
        let words = ["clear-relay", "import", "check-ins", path, "--by", "Robin"];
        self.run(&[&words, more].concat()).await
    }

    /// A command line, as it is typed.
    async fn run(&self, words: &[&str]) -> Result<String, CliError> {
        let cli = <Cli as clap::Parser>::try_parse_from(words).expect("a command line");
        let Command::Import(command) = &cli.command else {
            panic!("another command");
        };
        let text = self.world.config_text();
        let config = Config::parse(text, Path::new(""), Variables::default()).expect("valid");
        let mut bytes = Vec::new();
        let mut out = Output::new(&mut bytes, cli.json);
        let engine = &self.world.relay.engine;
        clear_relay::cli::import::run(&config, engine, command, &mut out).await?;
        Ok(String::from_utf8(bytes).expect("text"))
    }

    pub(super) async fn status(&self) -> String {
        let portal = &self.world.relay.engine.ports.portal;
        let mara = portal.client(&"mara".into()).await.expect("a read");
        mara.expect("known").status.as_str().to_owned()
    }

    /// The day that her check-in is due, and whether it is submitted.
    pub(super) async fn check_in(&self) -> (String, bool) {
        let portal = &self.world.relay.engine.ports.portal;
        let since = "2026-10-01".parse().expect("a day");
        let all = portal
            .check_ins(&"mara".into(), since)
            .await
            .expect("a read");
        assert_eq!(all.len(), 1, "{all:?}");
        (all[0].due.to_string(), all[0].submitted_at.is_some())
    }
}

/// The remedies that a refusal names, as a shell would take them.
fn remedies(refused: &str) -> Vec<Vec<String>> {
    let parts = refused.split('`').skip(1).step_by(2);
    parts
        .map(|command| command.split(' ').map(str::to_owned).collect())
        .collect()
}

#[tokio::test]
async fn an_older_file_that_says_when_it_was_exported_turns_nothing_back() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-05 09:00").await;
    let newer = [mara("quit", "2026-11-04", "yes")];
    listed.command(&newer, &[]).await.expect("taken in");
    let older = [mara("online", "2026-11-03", "")];
    for more in [
        &["--as-of", "2026-11-04T08:00", "--dry-run"][..],
        &["--as-of", "2026-11-04T08:00"],
    ] {
        let told = listed.command(&older, more).await.expect("taken in");
        let learned = &told["learned"];
        assert_eq!(learned["outdated"], 2, "{told}");
        for what in ["clients_changed", "check_ins", "submitted", "withdrawn"] {
            assert_eq!(learned[what], 0, "{told}");
        }
    }
    assert_eq!(listed.status().await, "quit");
    assert_eq!(listed.check_in().await, ("2026-11-04".to_owned(), true));
    let text = listed
        .printed(&older, &["--as-of", "2026-11-04 08:00"])
        .await;
    let text = text.expect("taken in");
    assert!(
        text.contains("2 statements older than what was told since: that stands"),
        "{text}"
    );
}

/// Where nobody says how old a file is, one that could turn something back is not taken in, and both ways out run.
#[tokio::test]
async fn a_file_of_which_nobody_says_how_old_it_is_turns_nothing_back() {
    for (newer, older, back) in [
        (
            mara("online", "2026-11-03", "yes"),
            mara("online", "2026-11-03", ""),
            "opened again",
        ),
        (
            mara("quit", "2026-11-03", ""),
            mara("online", "2026-11-03", ""),
            "followed up again",
        ),
        (
            mara("online", "2026-11-05", ""),
            mara("online", "2026-11-03", ""),
            "moved back",
        ),
    ] {
        for newest in [false, true] {
            let listed = Listed::with_mara().await;
            listed.daily.set(false);
            listed.until("2026-11-04 07:00").await;
            listed
                .command(std::slice::from_ref(&newer), &[])
                .await
                .expect("taken in");
            let (status, check_in) = (listed.status().await, listed.check_in().await);
            listed.until("2026-11-04 08:00").await;
            let facts = listed.facts("mara").await.len();
            let older = std::slice::from_ref(&older);
            for more in [&["--dry-run"][..], &[]] {
                let refused = listed.command(older, more).await.expect_err(back);
                assert!(matches!(refused, CliError::Usage(_)), "{back}: {refused}");
            }
            let refused = listed
                .command(older, &[])
                .await
                .expect_err(back)
                .to_string();
            assert!(
                refused.contains("1 client ") && refused.contains("mara"),
                "{refused}"
            );
            assert_eq!(
                listed.facts("mara").await.len(),
                facts,
                "{back}: nothing was taken in"
            );
            let remedies = remedies(&refused);
            assert_eq!(remedies.len(), 2, "{refused}");
            // Whoever knows that it is the newest says so; the other way out names the time of the export.
            let remedy: Vec<&str> = remedies[usize::from(!newest)]
                .iter()
                .map(String::as_str)
                .collect();
            listed.run(&remedy).await.expect("the remedy runs");
            if newest {
                let now = (listed.status().await, listed.check_in().await);
                assert_ne!(now, (status, check_in), "{back}");
            } else {
                assert_eq!(listed.status().await, status, "{back}");
                assert_eq!(listed.check_in().await, check_in, "{back}");
            }
        }
    }
}

#[tokio::test]
async fn the_time_of_an_export_is_a_time_that_has_been() {
    let listed = Listed::with_mara().await;
    listed.until("2026-11-04 07:00").await;
    let lines = [mara("online", "2026-11-03", "")];
    let refused = listed
        .command(&lines, &["--as-of", "2026-11-04T07:01"])
        .await;
    let refused = refused.expect_err("yet to come").to_string();
    assert!(refused.contains("yet to come"), "{refused}");
    for wrong in [
        "2026-11-03",
        "yesterday",
        "2026-11-03T18:00Z",
        "2026-11-03T18:00-07:00",
        "18:00",
    ] {
        let words = [
            "clear-relay",
            "import",
            "check-ins",
            "f",
            "--by",
            "R",
            "--as-of",
            wrong,
        ];
        let parsed = <Cli as clap::Parser>::try_parse_from(words);
        let error = parsed.expect_err(wrong).to_string();
        assert!(error.contains("2026-11-03T18:00"), "{error}");
    }
}

/// E34: the list has said since that she has checked in, in words that were known already.
#[tokio::test]
async fn a_late_delivery_turns_nothing_back_that_was_only_repeated_since() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-03 20:00").await;
    listed.list(json!({ "act": "check_in", "client": "mara" }));
    listed.until("2026-11-03 20:10").await;
    assert!(listed.check_in().await.1);
    // Somebody takes it back by mistake, and that is under way for hours.
    listed.list(json!({ "act": "switch", "event_delay_seconds": 6 * 3_600 }));
    listed.list(json!({ "act": "raise", "rows": [
        { "client": "mara", "check_in": "ci_mara", "due": "2026-11-03", "submitted": false },
        { "client": "mara", "first_name": "Mara", "status": "on_break", "coach": "coach_beth" },
    ] }));
    listed.list(json!({ "act": "switch" }));
    listed.until("2026-11-03 21:00").await;
    listed.list(json!({ "act": "send_all" }));
    listed.until("2026-11-03 21:10").await;
    let known = listed.facts("mara").await.len();
    listed.until("2026-11-04 06:00").await;
    assert_eq!(listed.facts("mara").await.len(), known, "no news");
    assert_eq!(
        (listed.check_in().await.1, listed.status().await.as_str()),
        (true, "online")
    );
    listed.list(json!({ "act": "send_all" }));
    listed.until("2026-11-04 18:00").await;
    assert!(listed.written().is_empty(), "{:?}", listed.written());
}

/// No check-in counts as missed on what was said before her day was over, however late that comes.
#[tokio::test]
async fn a_late_delivery_is_no_word_of_the_day_on_which_it_comes() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-03 18:00").await;
    listed.list(json!({ "act": "switch", "event_delay_seconds": 12 * 3_600 }));
    listed.list(json!({ "act": "send_all" }));
    listed.list(json!({ "act": "switch" }));
    listed.until("2026-11-04 12:00").await;
    assert!(listed.written().is_empty(), "{:?}", listed.written());
    // A file that was exported the evening before is none either.
    let lines = [mara("online", "2026-11-03", "")];
    let evening = ["--as-of", "2026-11-03T19:00"];
    listed.command(&lines, &evening).await.expect("taken in");
    listed.until("2026-11-04 13:30").await;
    assert!(listed.written().is_empty(), "{:?}", listed.written());
    listed.command(&lines, &[]).await.expect("taken in");
    listed.until("2026-11-04 15:00").await;
    assert_eq!(listed.written(), ["work_task"]);
}

/// A check-in that stands in yesterday's file and is gone from today's stays open, and the command says so.
#[tokio::test]
async fn what_is_gone_from_the_file_stays_open_until_it_is_taken_back() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-04 07:00").await;
    let other = "ines,Ines,Hayes,ines@example.test,coach_beth,,online,ci_ines,2026-11-20,,";
    let text = listed
        .printed(&[other.to_owned()], &[])
        .await
        .expect("taken in");
    assert!(
        text.contains("Not in the file and still open: 1 check-in")
            && text.contains("mara of 2026-11-03"),
        "{text}"
    );
    listed.until("2026-11-04 12:00").await;
    assert_eq!(listed.written(), ["work_task"], "she is followed up");
    let gone = "mara,,,,,,,ci_mara,2026-11-03,,yes";
    let lines = [other.to_owned(), gone.to_owned()];
    let text = listed.printed(&lines, &[]).await.expect("taken in");
    assert!(!text.contains("still open"), "{text}");
    listed.until("2026-11-04 18:00").await;
    assert_eq!(listed.written(), ["work_task", "close_task"]);
}

/// From files to webhooks: the same list by another way is no news.
#[tokio::test]
async fn a_clinic_that_goes_on_by_webhooks_begins_nothing_anew() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.list(json!({ "act": "switch", "events_off": true }));
    let export = json!({ "act": "export" });
    let exported = listed.world.vendors.act("check-ins", export);
    let exported = exported.expect("a file");
    let text = exported["file"].as_str().expect("text");
    let file = list_file(text.as_bytes()).expect("a file");
    listed.until("2026-11-04 07:00").await;
    listed.import(&file).await;
    listed.until("2026-11-04 12:00").await;
    assert_eq!(listed.written(), ["work_task"]);
    let told = async || {
        let facts = listed.facts("mara").await.into_iter();
        facts.filter(|row| row.receipt.is_some()).count()
    };
    let known = told().await;
    listed.list(json!({ "act": "switch" }));
    listed.list(json!({ "act": "send_all" }));
    listed.until("2026-11-04 18:00").await;
    assert_eq!(told().await, known);
    assert_eq!(listed.written(), ["work_task"]);
    let cases = listed.world.store().open_cases(&"mara".into()).await;
    assert_eq!(cases.expect("cases").len(), 1);
}

/// Where a list tells who is expected, what is to be put right is put right there, and no sentence sends anybody to a
/// portal for it.
#[tokio::test]
async fn what_is_to_be_put_right_is_put_right_in_the_list() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-05 07:00").await;
    // Of one nothing was ever said but that she is expected, one is on a break without end, one has a status word
    // that is known to nobody, and the time zone of one is none.
    let lines = [
        "ines,,,,,,,ci_ines,2026-11-03,,",
        "orla,Orla,Hayes,,coach_beth,,on_break,ci_orla,2026-11-03,,",
    ];
    let lines = lines.map(str::to_owned);
    listed.command(&lines, &[]).await.expect("taken in");
    listed.list(json!({ "act": "raise", "rows": [
        { "client": "wilma", "first_name": "Wilma", "coach": "coach_beth", "status": "resting",
          "time_zone": "Mars/Olympus", "check_in": "ci_wilma", "due": "2026-11-03" },
    ] }));
    listed.until("2026-11-07 18:00").await;
    for kind in ["unknown_client", "open_break", "status_word", "drift"] {
        let items = listed.items(kind).await;
        assert_eq!(items.len(), 1, "{kind}: {items:?}");
        let said = format!("{} {}", items[0].title, items[0].detail);
        assert!(said.contains("clinic's list"), "{kind}: {said}");
        assert!(!said.contains("portal"), "{kind}: {said}");
    }
    let engine = &listed.world.relay.engine;
    for client in ["nobody", "orla", "wilma"] {
        let opened = open::open_case(engine, &client.into(), None, "Robin").await;
        let refused = opened.expect_err("refused").to_string();
        assert!(refused.contains("clinic's list"), "{client}: {refused}");
        assert!(!refused.contains("portal"), "{client}: {refused}");
    }
}

/// A clinic with a list alone: what the command says holds there, too.
#[tokio::test]
async fn where_there_is_no_crm_the_command_speaks_of_none() {
    let listed = Listed::with("alone", "ada").await;
    listed.daily.set(false);
    listed.until("2026-11-04 07:00").await;
    let zed = "zed,Zed,Lund,,coach_beth,,online,ci_zed,2026-11-20,,".to_owned();
    let text = listed.printed(&[zed], &[]).await.expect("taken in");
    assert!(text.contains("1 client without an email address"), "{text}");
    assert!(!text.contains("CRM"), "{text}");
}
