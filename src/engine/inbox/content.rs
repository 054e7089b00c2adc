//! What a coach's task about a client shows: the question, and the news.

use relay_core::effects::{About, EffectInput, KeyParts};
use relay_core::ids::{CaseId, CoachId, WorkItemId};
use relay_core::time::Timestamp;
use relay_core::work_kinds;
use relay_core::workflows::ADMIN;
use relay_store::{Effect, WorkItem};

use crate::engine::{Engine, People};

/// The kind of the item that asks for the outcome of a call: the call task is its task.
pub(super) const CALL: &str = work_kinds::CALL_OUTCOME;

/// The kind of the item about what a client wrote.
const REPLY: &str = work_kinds::REPLY;

/// The kind of the item about a message that only the coach can send.
const SEND_BY_HAND: &str = work_kinds::SEND_BY_HAND;

/// The kind of the item about a message that goes out unless she stops it.
const ASK_FIRST: &str = work_kinds::ASK_FIRST;

/// What a task shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    /// Who is asked: the coach whose it is, or who acts for her.
    pub(super) coach: CoachId,
    /// The coach whose it is.
    pub(super) of: CoachId,
    /// What is asked: one thing at a time, the oldest.
    pub(super) question: Option<WorkItem>,
    /// What she only has to know.
    pub(super) news: Vec<WorkItem>,
}

impl Content {
    /// All of it: what can be answered first.
    pub(super) fn ids(&self) -> Vec<WorkItemId> {
        self.items().map(|item| item.id).collect()
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &WorkItem> {
        self.question.iter().chain(&self.news)
    }

    /// The case that it is about.
    pub(super) fn case(&self) -> Option<CaseId> {
        let of = |item: &WorkItem| {
            let told = serde_json::from_value(item.detail["case"].clone());
            item.case.or(told.ok())
        };
        self.items().find_map(of)
    }

    /// Whether it can't wait for another day: a client wrote, a text is to be sent that is true today, or a message is
    /// about to go out, which would wait with it.
    pub(super) fn is_of_today(&self) -> bool {
        self.items()
            .any(|item| [REPLY, SEND_BY_HAND, ASK_FIRST].contains(&item.kind.as_str()))
    }
}

/// The items that their owner is told of by now, and when she is told of the next of the others. Shape: a step that
/// wants her to hear later says from when, as `told_from` in the detail.
pub(super) fn told_now(
    items: Vec<WorkItem>,
    now: Timestamp,
) -> (Vec<WorkItem>, Option<(Timestamp, WorkItemId)>) {
    let from = |item: &WorkItem| {
        let told: Option<Timestamp> = serde_json::from_value(item.detail["told_from"].clone()).ok();
        told.filter(|from| *from > now)
    };
    let later = items.iter().filter_map(|item| Some((from(item)?, item.id)));
    let later = later.min_by_key(|(at, _)| *at);
    let mut items = items;
    items.retain(|item| from(item).is_none());
    (items, later)
}

/// Whose an item is, if a coach's. Whoever has no role is one, known by her id.
pub(super) fn coach_of(item: &WorkItem, people: &People) -> Option<CoachId> {
    let owner = item.owner.as_str();
    let is_admins = owner == ADMIN || owner == people.admin;
    let is_a_coachs = !is_admins && !people.is_manager(owner);
    is_a_coachs.then(|| CoachId::from(item.owner.as_str()))
}

/// What is open about a client and is a coach's; `kept` is the coach who has a task, and what it shows: what was
/// handed up since stays in it. It goes to whoever `acting` names for her. `None`: nothing, or her call task says it.
pub(super) fn content(
    open: &[WorkItem],
    people: &People,
    kept: Option<(&CoachId, &[WorkItemId])>,
    acting: impl Fn(&CoachId) -> CoachId,
) -> Option<Content> {
    let coach_of = |item: &WorkItem| {
        let shown = kept.filter(|(_, items)| items.contains(&item.id));
        coach_of(item, people).or_else(|| shown.map(|(coach, _)| coach.clone()))
    };
    let hers: Vec<(CoachId, &WorkItem)> = open
        .iter()
        .filter_map(|item| Some((coach_of(item)?, item)))
        .collect();
    // Also one that was handed up: the task is still hers.
    if open.iter().any(|item| item.kind == CALL) {
        return None;
    }
    let is_question = |item: &WorkItem| item.case.is_some();
    let question = hers.iter().find(|(_, item)| is_question(item));
    let (coach, _) = question.or_else(|| hers.first())?;
    Some(Content {
        coach: acting(coach),
        of: coach.clone(),
        question: question.map(|(_, item)| (*item).clone()),
        news: hers
            .iter()
            .filter(|(_, item)| !is_question(item))
            .map(|(_, item)| (*item).clone())
            .collect(),
    })
}

/// What the task is to its coach: the first of its items, and which task about the client it is.
pub(super) fn about(engine: &Engine, wanted: &Content, number: u32) -> About {
    let first = wanted.items().next();
    let day = first.map_or_else(|| engine.now(), |item| item.opened_at);
    let lead = first.map(|item| item.id.to_string()).unwrap_or_default();
    About::new(&format!("{lead}-{number}"), engine.calendar.date_of(day))
}

/// The same of a task that was planned.
pub(super) fn about_of(effect: &Effect) -> Option<About> {
    match &effect.planned.input {
        EffectInput::WorkTask { about, .. } => Some(about.clone()),
        _ => None,
    }
}

/// Which task about its client it is, from 1.
pub(super) fn number(effect: &Effect) -> u32 {
    KeyParts::of(effect.key()).map_or(0, |parts| parts.visit)
}

#[cfg(test)]
mod tests {
    use relay_core::random::SeededRandom;
    use serde_json::json;

    use super::*;

    fn item(kind: &str, owner: &str, of_case: bool) -> WorkItem {
        let (random, at) = (SeededRandom::new(kind.len() as u64), Timestamp::UNIX_EPOCH);
        WorkItem {
            id: WorkItemId::new(&random, at),
            dedupe_key: kind.to_owned(),
            kind: kind.to_owned(),
            owner: owner.to_owned(),
            title: kind.to_owned(),
            detail: json!({}),
            actions: Vec::new(),
            client: Some("maya".into()),
            case: of_case.then(|| CaseId::new(&random, at)),
            effect: None,
            opened_at: at,
            due: at,
            remind_at: at,
            reminders: 0,
            settled: None,
        }
    }

    #[test]
    fn the_question_comes_first_and_what_is_not_a_coachs_is_left_out() {
        let open = [
            item("overlap", "beth", false),
            item("dead_job", "admin", true),
            item("reply", "beth", true),
        ];
        let shown = content(&open, &People::default(), None, CoachId::clone).expect("something");
        assert_eq!(shown.ids(), [open[2].id, open[0].id]);
        assert_eq!(shown.coach.as_str(), "beth");
        assert!(shown.is_of_today());
        assert_eq!(
            content(&open[1..2], &People::default(), None, CoachId::clone),
            None
        );
    }

    #[test]
    fn a_call_task_says_it_all() {
        let open = [
            item("call_outcome", "beth", true),
            item("overlap", "beth", false),
        ];
        assert_eq!(
            content(&open, &People::default(), None, CoachId::clone),
            None
        );
    }

    #[test]
    fn what_was_handed_up_stays_with_the_coach_who_was_asked() {
        let open = [item("reply", "program_manager", true)];
        assert_eq!(
            content(&open, &People::default(), None, CoachId::clone),
            None
        );
        let (beth, ids) = ("beth".into(), [open[0].id]);
        let shown = content(
            &open,
            &People::default(),
            Some((&beth, &ids)),
            CoachId::clone,
        )
        .expect("hers");
        assert_eq!(shown.coach, beth);
    }

    #[test]
    fn what_is_open_goes_to_who_acts_for_its_coach() {
        let open = [item("reply", "beth", true), item("overlap", "beth", false)];
        let acting = |coach: &CoachId| match coach.as_str() {
            "beth" => "cleo".into(),
            _ => coach.clone(),
        };
        let shown = content(&open, &People::default(), None, acting).expect("something");
        assert_eq!((shown.coach.as_str(), shown.of.as_str()), ("cleo", "beth"));
        assert_eq!(shown.news.len(), 1);
    }

    #[test]
    fn news_go_to_whom_the_question_goes() {
        let open = [item("overlap", "beth", false), item("hold", "cleo", true)];
        let shown = content(&open, &People::default(), None, CoachId::clone).expect("something");
        assert_eq!(shown.coach.as_str(), "cleo");
        assert_eq!(shown.news.len(), 1);
    }
}
