//! Who is in the corpus: stories of the full cast, and clients who stand half-way at the end.
//!
//! Everybody is invented.

use std::fmt::Write as _;

use clear_relay::sandbox::cast::FULL;

/// Clients of the full cast whose stories leave something in the database that no other leaves.
const FROM_THE_FULL_CAST: &[&str] = &[
    "jo", "bo", "ned", "gail", "hana", "june", "kate", "rita", "petra", "wanda", "noa", "mona",
    "wren", "opal", "brit", "rena", "stella", "nameless", "pam", "lily", "lara", "rosa", "vera",
    "uma", "fiona", "flora", "gina", "ida", "iris", "tina", "cora", "carol", "cath", "celia",
    "tara",
];

/// Who was followed up while the relay only proposed, with the day her check-in was due. At the
/// switch each of them is in another step.
const PROPOSED: &[(&str, &str, &str)] = &[
    ("pia", "2026-10-26", "opened"),
    ("pru", "2026-10-26", "unopened"),
    ("pim", "2026-10-29", "opened"),
];

/// Who stands half-way at the end: her check-in's day, her mail. The channel is looked for two
/// days after the first message, so the day decides the step:
///
/// | due | at the end, Friday, November 13, 9:00 |
/// |---|---|
/// | November 4 | the coach goes on by hand |
/// | November 9 | followed up yesterday |
/// | November 10 | the channel is about to be chosen |
/// | November 11 | the first message went out yesterday |
/// | November 12 | the first message is about to go out |
const HALF_WAY: &[(&str, &str, &str)] = &[
    ("abby", "2026-11-04", "opened"),
    ("adah", "2026-11-04", "opened"),
    ("alma", "2026-11-04", "unopened"),
    ("bella", "2026-11-09", "opened"),
    ("britt", "2026-11-09", "opened"),
    ("bina", "2026-11-09", "opened"),
    ("jana", "2026-11-09", "opened"),
    ("cady", "2026-11-09", "unopened"),
    ("celle", "2026-11-09", "unopened"),
    ("cilla", "2026-11-09", "unopened"),
    ("dina", "2026-11-09", "unopened"),
    ("edie", "2026-11-10", "opened"),
    ("effy", "2026-11-10", "opened"),
    ("elsa", "2026-11-10", "opened"),
    ("enid", "2026-11-10", "opened"),
    ("faye", "2026-11-10", "opened"),
    ("fern", "2026-11-10", "opened"),
    ("gaia", "2026-11-10", "unopened"),
    ("gemma", "2026-11-10", "unopened"),
    ("joyce", "2026-11-11", "unopened"),
    ("jade", "2026-11-11", "opened"),
    ("hope", "2026-11-12", "opened"),
    ("hulda", "2026-11-12", "opened"),
    ("inga", "2026-11-12", "opened"),
    ("isla", "2026-11-12", "opened"),
    ("ivana", "2026-11-12", "opened"),
    ("nell", "2026-11-04", "opened"),
];

/// Whose fee is being stopped, or whose contact type is being set, at the end.
pub(crate) const ORDERED: &[&str] = &[
    "kara", "kira", "kyla", "lana", "leah", "lilo", "lotte", "lucy", "nina", "mabel", "maud",
    "mavis", "milly", "myra", "nola",
];

/// What the faults of half-way stories are ordered with.
fn acts(id: &str) -> &'static str {
    match id {
        // The CRM refuses the task for good: nothing was made, and the case is held.
        "dina" => {
            "act = [ { on = \"effect.intent.after\", at = \"2026-11-12 08:00\", by = \"fault\", \
             do = { vendor = \"keap\", operation = \"call_task\", moment = \"before\", \
             act = \"status\", code = 400 } } ]\n"
        }
        _ => "",
    }
}

fn fee(number: usize, contact: usize) -> String {
    format!(
        "before = [\n    {{ by = \"keap\", do = {{ act = \"add_payment_method\", id = {card}, \
         contact = {contact} }} }},\n    {{ by = \"keap\", do = {{ act = \"add_subscription\", \
         id = {fee}, contact = {contact}, product = 10, payment_method = {card} }} }},\n]\n",
        card = 1800 + number,
        fee = 1900 + number,
    )
}

fn client(number: usize, id: &str, due: Option<(&str, &str)>, rest: &str) -> String {
    let contact = 600 + number;
    let mut name = id.trim_end_matches(char::is_numeric).to_owned();
    name[..1].make_ascii_uppercase();
    let due = due.map_or_else(String::new, |(due, history)| {
        format!("regimen = \"2026-10-30\"\ndue = \"{due}\"\nhistory = \"{history}\"\n")
    });
    format!(
        "\n[[client]]\nid = \"{id}\"\nstory = \"half-way\"\nfirst = \"{name}\"\n\
         last = \"Winters\"\nemail = \"{id}@example.test\"\nphone = \"303-555-0{number:03}\"\n\
         coach = \"coach_beth\"\ncontact = \"{contact}\"\n{due}{rest}"
    )
}

/// Everything before the first client: the coaches and the mail of the full cast, from `start` on.
fn head(start: &str) -> String {
    let head = FULL.split("[[client]]").next().expect("a head");
    let line = "start = \"2026-11-02 07:00\"";
    assert!(head.contains(line), "the full cast begins on November 2");
    head.replace(line, &format!("start = \"{start}\""))
}

/// The days on which the relay only proposes.
pub(crate) fn proposing() -> String {
    let mut text = head("2026-10-26 07:00");
    push_proposed(&mut text);
    text
}

fn push_proposed(text: &mut String) {
    for (number, (id, due, history)) in PROPOSED.iter().enumerate() {
        text.push_str(&client(number, id, Some((due, history)), ""));
    }
}

/// Everybody, as the vendors know them at the end.
pub(crate) fn everybody() -> String {
    let mut text = head("2026-11-02 07:00");
    for block in FULL.split("[[client]]").skip(1) {
        let id = block.split('"').nth(1).expect("an id");
        if FROM_THE_FULL_CAST.contains(&id) {
            let _ = write!(text, "[[client]]{block}");
        }
    }
    push_proposed(&mut text);
    let after = PROPOSED.len();
    for (number, (id, due, history)) in HALF_WAY.iter().enumerate() {
        let block = client(after + number, id, Some((due, history)), acts(id));
        text.push_str(&block);
    }
    let after = after + HALF_WAY.len();
    for (number, id) in ORDERED.iter().enumerate() {
        let number = after + number;
        text.push_str(&client(number, id, None, &fee(number, 600 + number)));
    }
    text
}
