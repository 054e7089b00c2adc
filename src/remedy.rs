//! Commands of ours, as people are told to type them.
//!
//! A remedy that ends in a usage error is worse than none: somebody who is called at night types it.
//! So a sentence that names a command takes it from here, with typed arguments, and a test parses
//! every one of them with the command line itself (`tests/it/remedies.rs`). Sentences elsewhere
//! that name a command as a text are found by the same test.
//!
//! `NAME` stands for the name of whoever types it, and words in capitals for what only a person
//! knows. [`RemedyCommand`] shows the command bare; a sentence puts it in backticks where it needs to.

use std::fmt;

use relay_core::ids::{CaseId, ClientId, JobId, WorkItemId};

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemedyCommand<'a> {
    /// Which cases there are.
    CasesList,
    /// How a case stands.
    CasesShow(CaseId),
    /// Moves a case to the version in force, named by its first letters.
    CasesRepin(CaseId, &'a str),
    /// Lets a held or paused case go on.
    CasesResume(CaseId),
    /// What people must do.
    WorkList,
    /// Settles an item by an action.
    WorkDone(WorkItemId, &'a str),
    /// Which jobs there are.
    JobsList,
    /// The jobs that were given up.
    JobsDead,
    /// What a replay of all of them would do.
    ReplayDeadDryRun,
    /// A job and its last attempts.
    JobsShow(JobId),
    /// Replays one job.
    JobsReplay(JobId),
    /// Says which contact a client is; `None` where the client is not known here.
    ClientsLink(Option<&'a ClientId>),
    /// Puts the subscriptions right.
    HooksSync,
    /// How much each vendor may be asked.
    Vendors,
    /// Ends a vendor's pause.
    VendorsResume(&'a str),
    /// Connects by tokens.
    ConnectKeap,
    /// Finishes connecting with a pasted address.
    ConnectKeapPasted,
    /// A new encryption key.
    NewKey,
    /// Makes the database, or brings it to this version.
    Migrate,
    /// Writes a configuration to fill in.
    Init,
    /// Looks at everything.
    Doctor,
    /// Runs the relay.
    Serve,
    /// Lets outreach go on.
    Resume,
    /// Reads parameters and texts.
    ProceduresCheck,
}

impl RemedyCommand<'_> {
    /// The words behind the program's name.
    fn words(self) -> Vec<String> {
        let plain = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let with = |words: &str, id: String, rest: &str| {
            let mut all = plain(words);
            all.push(shell_word(&id));
            all.extend(rest.split_whitespace().map(str::to_owned));
            all
        };
        match self {
            Self::CasesList => plain("cases list"),
            Self::CasesShow(id) => with("cases show", id.to_string(), ""),
            Self::CasesRepin(id, to) => {
                let rest = format!("--to {} --by NAME", shell_word(to));
                with("cases repin", id.to_string(), &rest)
            }
            Self::CasesResume(id) => with("cases resume", id.to_string(), "--by NAME"),
            Self::WorkList => plain("work list"),
            Self::WorkDone(id, action) => {
                let with_what = match action {
                    "promised" => " --with DATE",
                    "call_outcome" => " --with OUTCOME",
                    _ => "",
                };
                let rest = format!("--action {}{with_what} --by NAME", shell_word(action));
                with("work done", id.to_string(), &rest)
            }
            Self::JobsList => plain("jobs list"),
            Self::JobsDead => plain("jobs list --state dead"),
            Self::ReplayDeadDryRun => plain("jobs replay --state dead --by NAME --dry-run"),
            Self::JobsShow(id) => with("jobs show", id.to_string(), ""),
            Self::JobsReplay(id) => with("jobs replay", id.to_string(), "--by NAME"),
            Self::ClientsLink(client) => {
                let client = client.map_or("CLIENT", ClientId::as_str).to_owned();
                with("clients link", client, "CONTACT --by NAME")
            }
            Self::HooksSync => plain("hooks sync"),
            Self::Vendors => plain("vendors"),
            Self::VendorsResume(name) => with("vendors resume", name.to_owned(), "--by NAME"),
            Self::ConnectKeap => plain("connect keap --by NAME"),
            Self::ConnectKeapPasted => plain("connect keap --by NAME --code-file -"),
            Self::NewKey => plain("connect new-key"),
            Self::Migrate => plain("migrate"),
            Self::Init => plain("init"),
            Self::Doctor => plain("doctor"),
            Self::Serve => plain("serve"),
            Self::Resume => plain("resume --by NAME"),
            Self::ProceduresCheck => plain("procedures check"),
        }
    }
}

impl fmt::Display for RemedyCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clear-relay {}", self.words().join(" "))
    }
}

/// A word as a shell reads it whole.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%,=".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
