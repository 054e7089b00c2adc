//! Parameters and scripts of the procedure in force, and whether it acts.

use relay_core::case::Mode;
use relay_core::ids::CoachId;
use relay_core::procedure::{MissedCheckInProcedure, Mistake};

use super::{Area, Finding};
use crate::config::{PeopleConfig, ProcedureConfig};
use crate::engine::CoachChannel;

const KEY: &str = "procedures.missed_check_in";

pub(super) fn look(config: &ProcedureConfig, people: &PeopleConfig) -> Vec<Finding> {
    let procedure = match config.missed_check_in() {
        Ok(procedure) => procedure,
        Err(mistakes) => return mistakes.0.iter().map(mistake).collect(),
    };
    let mut findings = vec![mode(config.mode)];
    findings.extend(for_some(config));
    findings.extend(asks_first(config, people));
    findings.extend(texts(&procedure));
    findings.extend(holes(&procedure));
    findings
}

fn mistake(mistake: &Mistake) -> Finding {
    let place = match mistake.key.as_str() {
        "" => String::new(),
        key => format!("{key}: "),
    };
    Finding::fault(
        Area::Procedure,
        &format!("{KEY}.path"),
        format!("{KEY}.path: {place}{}", mistake.problem),
        &mistake.remedy,
    )
}

fn mode(mode: Mode) -> Finding {
    let key = format!("{KEY}.mode");
    match mode {
        Mode::Act => Finding::note(
            Area::Procedure,
            &key,
            format!("{key} is \"act\": messages go out to clients"),
        ),
        Mode::Propose => Finding::note(
            Area::Procedure,
            &key,
            format!("{key} is \"propose\": everything is computed and shown, and nothing is sent"),
        )
        .with_remedy(format!(
            "when what is proposed looks right: {key} = \"act\""
        )),
    }
}

/// That it acts for some coaches only (A39).
fn for_some(config: &ProcedureConfig) -> Option<Finding> {
    let key = format!("{KEY}.act_for");
    let coaches = config.act_for.as_ref()?;
    let named: Vec<&str> = coaches.iter().map(CoachId::as_str).collect();
    let what = format!(
        "{key} names {}: the follow-ups of every other coach's clients are proposals",
        named.join(", ")
    );
    (config.mode == Mode::Act).then(|| {
        Finding::note(Area::Procedure, &key, what)
            .with_remedy(format!("leave {key} out once it is to act for every coach"))
    })
}

/// Coaches for whose clients it is to act, and who are none: for nobody it would act then.
pub(crate) fn no_such_coach(act_for: &[String], coaches: &[&str]) -> Vec<Finding> {
    let key = format!("{KEY}.act_for");
    let unknown = |id: &&String| !coaches.contains(&id.as_str());
    act_for
        .iter()
        .filter(unknown)
        .map(|id| {
            Finding::fault(
                Area::Procedure,
                &key,
                format!("{key} names {id:?}, and there is no coach with that id: nothing would be sent for her clients"),
                format!("write her id; there are {} (`clear-relay coaches list` shows whose each is)", coaches.join(", ")),
            )
        })
        .collect()
}

/// Which messages a coach is asked about, and whether her silence lets them go (A30).
fn asks_first(config: &ProcedureConfig, people: &PeopleConfig) -> Option<Finding> {
    let steps: Vec<&str> = config.ask_first.iter().map(String::as_str).collect();
    if steps.is_empty() {
        return None;
    }
    let key = format!("{KEY}.ask_first");
    let what = format!("{key} names {}", steps.join(", "));
    Some(match people.coach_channel {
        CoachChannel::CrmTasks => Finding::note(
            Area::Procedure,
            &key,
            format!("{what}: there a message goes out two hours of the office's time after its coach was told, unless she stops it"),
        ),
        CoachChannel::WorkList => Finding::note(
            Area::Procedure,
            &key,
            format!("{what}: there a message goes out only once somebody says \"send\", since nobody knows whether its coach has looked into the list of work"),
        )
        .with_remedy("where there are tasks to ask her in: people.coaches = \"crm_tasks\"".to_owned()),
    })
}

/// Which texts have a stand-in that nobody has approved: there the step is held for the coach.
fn texts(procedure: &MissedCheckInProcedure) -> Vec<Finding> {
    let scripts = &procedure.scripts.0;
    let mut findings: Vec<Finding> = scripts
        .iter()
        .filter(|(_, script)| !script.approved)
        .map(|(id, script)| {
            let other = script.variant_of.as_deref().unwrap_or(id);
            Finding::note(
                Area::Procedure,
                &format!("{KEY}.scripts.{id}"),
                format!("the text {id} is not approved: where {other} would be false, the step is held for the coach"),
            )
            .with_remedy(format!("scripts.{id}.approved = true, once the clinic approves it (A1, A9)"))
        })
        .collect();
    let what = format!(
        "{} texts can be read, and every parameter is in its range",
        scripts.len()
    );
    findings.push(Finding::ok(Area::Procedure, KEY, what));
    findings
}

/// Parameters that are each possible and together leave no time for the steps.
fn holes(procedure: &MissedCheckInProcedure) -> Vec<Finding> {
    let parameters = &procedure.parameters;
    // A check-in is due about two weeks after a regimen change; the steps wait three times.
    let usual_days = i64::from(14) + 1 + 3 * parameters.waits.usual_hours / 24;
    let mut findings = Vec::new();
    if i64::from(parameters.window_days) < usual_days {
        findings.push(Finding::warning(
            Area::Procedure,
            &format!("{KEY}.window.days"),
            format!(
                "window.days is {}, and check-in, messages and three waits of {} hours take about {usual_days} days: every wait will be a short one",
                parameters.window_days, parameters.waits.usual_hours
            ),
            "raise window.days, or lower waits.usual_hours (A2)",
        ));
    }
    if !parameters.email_subject.contains("{date}") {
        findings.push(Finding::note(
            Area::Procedure,
            &format!("{KEY}.email.subject"),
            "email.subject has no {date}: every client gets the same subject each time",
        ));
    }
    findings
}
