//! The words of a coach's task: what happened, what is known, how she answers.
//!
//! Everything comes from the work item, whose step has put it there, and stands on one line behind words of
//! ours: what came from outside can begin no line. A text that is ready to be used is shown only if every
//! sentence of it is true, as for one that the relay sends itself.

use relay_core::answers::{AnswerWord, CALL_OUTCOME, offered};
use relay_core::calendar::Calendar;
use relay_core::effects::{AskedAgain, EffectKind};
use relay_core::outside;
use relay_core::scripts::{date_words, moment_words};
use relay_core::time::{Date, Timestamp};
use relay_core::work_kinds;
use relay_core::workflow::StandsIn;
use relay_core::workflows::missed_check_in;
use relay_store::WorkItem;
use serde_json::Value;

use crate::engine::ready::{Ready, ready, remedy};

/// What is known besides the items.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Whose place the coach who is asked takes.
    pub(super) stands_in: Option<StandsIn>,
    /// Whether the Program Manager is asked.
    pub(super) is_manager: bool,
    /// Where her page is in the portal.
    pub(super) page: Option<String>,
    /// Whether the task is about a contact.
    pub(super) has_contact: bool,
    /// Her number.
    pub(super) phone: Option<String>,
    /// What she is known to have opened, and when.
    pub(super) opened: Vec<(&'static str, Timestamp)>,
    /// The coach who was asked before it was handed up, and since when she has not answered.
    pub(super) handed_up: Option<(String, Timestamp)>,
}

/// The words of a task.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) title: String,
    pub(super) description: String,
    /// The moment that they name, at which a message goes out unless she stops it.
    pub(super) goes_out: Option<Timestamp>,
}

/// What "handled" comes to where the manager says so.
const HANDLED_BY_MANAGER: &str =
    "she is answered; nothing goes out, and her coach is asked how it goes on in two working days";

/// Longer titles are cut: a list shows one line.
const TITLE: usize = 200;

impl Words {
    /// Those of a task for `items`.
    pub(super) fn of(
        calendar: &Calendar,
        now: Timestamp,
        items: &[WorkItem],
        again: Option<AskedAgain>,
        known: &Known,
    ) -> Self {
        let Some((first, rest)) = items.split_first() else {
            return Self {
                title: String::new(),
                description: String::new(),
                goes_out: None,
            };
        };
        // Whoever has touched the task before meant something: now only a word lets it go.
        let touched = again.is_some_and(|again| again != AskedAgain::MomentPassed);
        let goes_out = goes_out(calendar, now, first).filter(|_| !touched);
        let waiting = waiting(first, touched);
        let first = waiting.as_ref().unwrap_or(first);
        let mut text = Text::default();
        if let Some(again) = again {
            text.line(match again {
                _ if first.kind == work_kinds::UNDATED => {
                    "The task before this one was completed or deleted, and the day is still missing."
                }
                AskedAgain::Ticked => {
                    "You completed the task before this one without an answer. Please write one below."
                }
                AskedAgain::NotPossible => {
                    "What you answered in the task before this one could not be done. Please look at what is so \
                     now, and answer again."
                }
                AskedAgain::NotOffered => {
                    "What you answered in the task before this one is not one of the answers that it offers. Please write \
                     one of those below."
                }
                AskedAgain::Deleted => "The task before this one was deleted without an answer.",
                AskedAgain::Changed => {
                    "The task before this one was changed, and the relay can't tell what was meant. Nothing has gone \
                     out."
                }
                AskedAgain::MomentPassed => {
                    "The time in the task before this one has passed, and nothing has gone out. This one names another."
                }
                AskedAgain::Unreadable => {
                    "What you wrote in the task before this one could not be understood. Please write one \
                     of the answers below."
                }
            });
        }
        if again.is_some() {
            // Else who only ticked it off would do it twice.
            text.told(first, "was_sent", "");
        }
        if let Some(stands_in) = &known.stands_in {
            text.line(&format!("{}, so this comes to you.", stands_in.words()));
        }
        if let Some((coach, since)) = &known.handed_up {
            let coach = outside::one_line(coach);
            let since = when(calendar, *since);
            text.line(&format!(
                "{coach} was asked this on {since}, and has not answered. So it comes to you, too."
            ));
        }
        text.about(calendar, now, first, goes_out, known);
        for other in rest {
            text.line("");
            text.line(&format!("Also: {}", outside::one_line(&other.title)));
            text.told(other, "minor", "");
            text.told(other, "remedy", "");
        }
        text.answers(first, known.is_manager);
        let more = match rest.len() {
            0 => String::new(),
            1 => " (and one more thing)".to_owned(),
            more => format!(" (and {more} more things)"),
        };
        let title = outside::short_line(&title_of(first), TITLE);
        let asked_again = again.is_some_and(|again| again != AskedAgain::MomentPassed);
        let title = if asked_again {
            format!("Asked again: {title}")
        } else {
            title
        };
        let unanswered = known.handed_up.as_ref().map(|(coach, since)| {
            let day = date_words(calendar.date_of(*since));
            format!(
                " ({} has not answered since {day})",
                outside::short_line(coach, 60)
            )
        });
        // The moment stands in what a list shows: it may be all that she reads.
        let at = goes_out.map_or_else(String::new, |at| format!(": {}", when(calendar, at)));
        Self {
            goes_out,
            title: format!("{title}{}{at}{more}", unanswered.unwrap_or_default()),
            description: text.lines,
        }
    }
}

#[derive(Default)]
struct Text {
    lines: String,
}

impl Text {
    fn line(&mut self, line: &str) {
        if !self.lines.is_empty() {
            self.lines.push('\n');
        }
        self.lines.push_str(line);
    }

    /// A member of the item's detail, behind `label`.
    fn told(&mut self, item: &WorkItem, name: &str, label: &str) {
        if let Some(said) = item.detail[name].as_str() {
            self.said(said, label);
        }
    }

    fn said(&mut self, said: &str, label: &str) {
        let said = outside::sentence(&format!("{label}{}", outside::one_line(said)));
        let ends = said.ends_with(['.', '!', '?']);
        let said = first_letter(&said);
        self.line(&if ends { said } else { format!("{said}.") });
    }

    fn about(
        &mut self,
        calendar: &Calendar,
        now: Timestamp,
        item: &WorkItem,
        goes_out: Option<Timestamp>,
        known: &Known,
    ) {
        if is_of_before(item) {
            self.line("Why, your admin can tell: it was held by an earlier version of the relay.");
        } else {
            self.told(item, "reason", "What happened: ");
        }
        let messages = item.detail["messages"].as_array();
        let wrote: Vec<&str> = messages
            .into_iter()
            .flatten()
            .filter_map(|message| message["at"].as_str())
            .collect();
        if !wrote.is_empty() {
            self.line(&format!(
                "She wrote: {}. Read it in the portal before you answer.",
                wrote.join("; ")
            ));
        }
        let had = item.detail["had"].as_array().into_iter().flatten();
        for sent in had {
            let (Some(what), Some(at)) = (sent["what"].as_str(), moment(&sent["at"])) else {
                continue;
            };
            let what = outside::one_line(what);
            self.line(&format!("She has had: {what}, {}.", when(calendar, at)));
        }
        for (what, at) in &known.opened {
            self.line(&format!("{what} {}.", when(calendar, *at)));
        }
        self.told(item, "follow_up", "Why this way: ");
        let cautions = item.detail["cautions"].as_array().into_iter().flatten();
        for caution in cautions.filter_map(Value::as_str) {
            self.line(&format!("Note: {}.", outside::one_line(caution)));
        }
        self.told(item, "check_in_due", "Check-in due: ");
        self.told(item, "window", "Regimen: ");
        self.told(item, "minor", "");
        if !known.has_contact {
            self.line("It is not certain which contact is hers, so this task is about none.");
        }
        let phone = known.phone.as_deref().and_then(outside::phone);
        if let Some(phone) = phone.filter(|_| item.detail["no_number"] != true) {
            self.line(&format!("Number: {phone}"));
        }
        if let Some(page) = &known.page {
            self.line(&format!("Her page in the portal: {page}"));
        }
        self.her_clock(calendar, now, item);
        if let Some(at) = goes_out {
            self.line(&format!(
                "It goes out: {} (clinic time).",
                when(calendar, at)
            ));
        }
        self.told(item, "next", "The procedure asks now: ");
        let today = calendar.date_of(now);
        if let Some(remedy) = remedy(&item.detail, today).as_str() {
            self.said(remedy, "What to do: ");
        }
        self.ready(item, today);
    }

    fn her_clock(&mut self, calendar: &Calendar, now: Timestamp, item: &WorkItem) {
        let zone = item.detail["zone"].as_str();
        if let Some(clock) = calendar.clock_elsewhere(now, zone) {
            let city = outside::city(zone.unwrap_or_default());
            self.line(&format!(
                "Where she lives ({city}) it was {}:{:02} when this task was made.",
                clock.hour(),
                clock.minute()
            ));
        }
    }

    /// The texts that are ready: each that has no sentence which is not so.
    fn ready(&mut self, item: &WorkItem, today: Date) {
        let label = match item.kind.as_str() {
            work_kinds::ASK_FIRST => "What would go out",
            _ => "Ready to use",
        };
        for one in ready(&item.detail["ready"], today) {
            match one {
                Ready::Text { what, text } => {
                    self.line("");
                    self.line(&format!("{label}, {what}:"));
                    for line in text.lines() {
                        self.line(line);
                    }
                }
                Ready::Withheld(faults) => self.line(&format!(
                    "There is no text ready: the clinic's wording says what is not so here ({}). Write to her in your \
                     own words, and leave out what is not so.",
                    faults.join("; ")
                )),
                Ready::Missing => {
                    self.line("There is no text ready: something that it needs is missing.");
                }
            }
        }
    }

    fn answers(&mut self, item: &WorkItem, is_manager: bool) {
        self.line("");
        let words: Vec<&AnswerWord> = offered(&item.actions).collect();
        let outcomes = item.actions.iter().any(|action| action == CALL_OUTCOME);
        if item.kind == work_kinds::UNDATED {
            self.line(
                "Nothing is read here: once the day stands there, or the tag is off, this task is closed by itself. One \
                 that is only completed comes again.",
            );
        } else if words.is_empty() && item.actions == ["done"] {
            self.line("Complete this task once you have taken note.");
        } else if words.is_empty() {
            self.line(&format!(
                "This can't be answered here. Your admin settles it: `clear-relay work show {}` says how.",
                item.id
            ));
        } else {
            self.line(
                "How to answer: write one of these behind \"Answer:\" and complete this task.",
            );
            if outcomes {
                self.line("- spoke, voicemail, no answer or wrong number: what came of the call");
            }
            for answer in words {
                // What "continue" comes to, and the end of a stop, the step that asks knows.
                let has_own = matches!(answer.action, "resume" | "close");
                let told = item.detail[answer.action].as_str().filter(|_| has_own);
                let meaning = if is_manager && answer.action == "handled" {
                    HANDLED_BY_MANAGER
                } else {
                    answer.meaning
                };
                let meaning = told.map_or_else(|| meaning.to_owned(), outside::one_line);
                self.line(&format!("- {}: {meaning}", answer.word));
            }
            self.line("Answer:");
        }
    }
}

/// What an item is called where its coach reads it.
pub(super) fn title_of(item: &WorkItem) -> String {
    first_letter(if is_of_before(item) {
        "A step of her follow-up is held"
    } else {
        &item.title
    })
}

/// Whether it is a hold of an earlier version, whose reason may be in a vendor's words.
fn is_of_before(item: &WorkItem) -> bool {
    item.kind == work_kinds::HOLD && item.detail.get("had").is_none()
}

/// With a capital letter at the beginning.
fn first_letter(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// The question about a message that goes out by itself, in the words of one that waits for an answer.
fn waiting(item: &WorkItem, touched: bool) -> Option<WorkItem> {
    let waits = item.detail["waits"].as_object().filter(|_| touched)?;
    let mut item = item.clone();
    waits["title"].as_str()?.clone_into(&mut item.title);
    item.detail["remedy"] = waits["remedy"].clone();
    Some(item)
}

/// When a message goes out whose coach is told by a task that is written at `now` (A30); `None`: not by itself.
fn goes_out(calendar: &Calendar, now: Timestamp, item: &WorkItem) -> Option<Timestamp> {
    let told = &item.detail["goes_out"];
    let kind: EffectKind = serde_json::from_value(told["kind"].clone()).ok()?;
    let planned = moment(&told["at"])?;
    let zone = item.detail["zone"].as_str();
    Some(missed_check_in::goes_out(calendar, kind, zone, now).max(planned))
}

fn moment(value: &Value) -> Option<Timestamp> {
    serde_json::from_value(value.clone()).ok()
}

/// A moment as staff read it, clinic time.
fn when(calendar: &Calendar, at: Timestamp) -> String {
    moment_words(calendar.zone().to_datetime(at))
}
