//! `[people]`: who answers for what.

use std::collections::BTreeMap;

use url::Url;

use super::reader::Reader;
use crate::engine::{CoachChannel, MessagesWhileAway, People};

pub(super) const EXAMPLE: &str = r#"[people]
# Names as the team knows them. Work items for a role are shown with the name.
#admin = "Robin"
#program_manager = "Alex"
# The address of the Program Manager's user in the CRM: what is hers to decide or to know about a client comes as a task
# there, too, and she answers in it. Left out: she is asked in `clear-relay work list` only.
#program_manager_user = "alex@clinic.example.test"
# Where coaches find what they are asked: "crm_tasks" (one open task on the client in the CRM, which they answer
# there) or "work_list" (`clear-relay work list` only). Left out: in tasks where a CRM is on, else in the list.
#coaches = "work_list"
# Where a client's page is in the portal, without her id, which is put at its end: her coach finds it in her tasks.
#client_page = "https://portal.example.test/clients/"
# A coach gets at most so many new tasks a day. The others come the next working morning, stand in the list of work
# until then, and one more task tells her what they are. What a client wrote always comes. 1 to 100.
coach_tasks_a_day = 8

# In whose name the relay writes to clients while their coach is away: "deputy" or "coach" (A25). Whoever calls or sends
# a text herself does it in her own name.
messages_while_away = "deputy"

# Who acts for a coach while she is away: coach id = coach id, as the portal writes them (A25). Another deputy can be
# named when it is entered: `clear-relay coaches away COACH --until DATE --deputy COACH --by NAME`.
[people.deputies]
#coach-1 = "coach-2"
"#;

/// Who answers for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleConfig {
    /// Who looks after the relay.
    pub admin: Option<String>,
    /// Who approves what a manager must approve.
    pub program_manager: Option<String>,
    /// The address of her user in the CRM, where she is asked there.
    pub program_manager_user: Option<String>,
    /// Where coaches find what they are asked.
    pub coach_channel: CoachChannel,
    /// Where a client's page is in the portal, without her id.
    pub client_page: Option<Url>,
    /// How many new tasks a coach gets a day.
    pub coach_tasks_a_day: u32,
    /// In whose name clients are written to while their coach is away.
    pub messages_while_away: MessagesWhileAway,
    /// Coach id → coach id of her deputy.
    pub deputies: BTreeMap<String, String>,
}

impl PeopleConfig {
    /// `has_crm`: whether coaches can be asked in tasks.
    pub(super) fn read(mut reader: Reader<'_>, has_crm: bool) -> Self {
        let usual = if has_crm {
            CoachChannel::CrmTasks
        } else {
            CoachChannel::WorkList
        };
        let people = Self {
            admin: reader.text("admin"),
            program_manager: reader.text("program_manager"),
            program_manager_user: program_manager_user(&mut reader),
            coach_channel: reader.choice(
                "coaches",
                &[
                    ("crm_tasks", CoachChannel::CrmTasks),
                    ("work_list", CoachChannel::WorkList),
                ],
                usual,
            ),
            client_page: reader.base_url("client_page", None),
            coach_tasks_a_day: reader
                .ranged("coach_tasks_a_day", 1..=100)
                .unwrap_or(People::TASKS_A_DAY),
            messages_while_away: reader.choice(
                "messages_while_away",
                &[
                    ("deputy", MessagesWhileAway::Deputy),
                    ("coach", MessagesWhileAway::Coach),
                ],
                MessagesWhileAway::Deputy,
            ),
            deputies: reader.texts("deputies"),
        };
        for (key, variable) in reader.variables_below("deputies") {
            // Names of variables have no case, and ids of coaches may.
            let coach = key.rsplit('.').next().unwrap_or_default();
            let remedy = format!(
                "take it away, and write the pair of ids under [people.deputies] in the file instead of {variable}"
            );
            reader.mistake(
                &format!("deputies.{coach}"),
                "can't be set by a variable",
                remedy,
            );
        }
        for (coach, deputy) in &people.deputies {
            if coach == deputy {
                let key = format!("deputies.{coach}");
                reader.mistake(&key, "is her own deputy", "name another coach");
            }
        }
        reader.finish();
        people
    }
}

fn program_manager_user(reader: &mut Reader<'_>) -> Option<String> {
    let key = "program_manager_user";
    let address = reader.text(key)?;
    if !address.contains('@') {
        reader.mistake(
            key,
            format!("{address:?} is no address"),
            "write the email address of her user in the CRM",
        );
    }
    Some(address)
}
