//! Looks at a live portal without changing anything: does it keep the contract?
//!
//! ```text
//! cargo run -p relay-clear-connection --example clear_connection_probe -- BASE_URL TOKEN_FILE [CLIENT_ID]
//! ```
//!
//! Reads the coaches, the open check-ins, and with a client's id that client with her check-ins,
//! messages and notes. Prints counts and members that are missing, never a name, an address or a
//! text.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use relay_clear_connection::PortalClient;
use relay_core::ids::ClientId;
use relay_core::time::{Clock, SignedDuration, SystemClock, TimeZone, Timestamp};
use relay_http_client::{CallError, ReqwestTransport};
use secrecy::SecretString;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(base), Some(token_file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: clear_connection_probe BASE_URL TOKEN_FILE [CLIENT_ID]".into());
    };
    let token = std::fs::read_to_string(token_file)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let portal = PortalClient::new(
        Arc::new(ReqwestTransport::new()?),
        base.parse()?,
        SecretString::from(token.trim()),
        Arc::clone(&clock),
    );
    let now = clock.now();
    clinic(&portal, now).await?;
    match arguments.next() {
        Some(id) => client(&portal, &ClientId::from(id), now).await,
        None => Ok(()),
    }
}

async fn clinic(portal: &PortalClient, now: Timestamp) -> io::Result<()> {
    let coaches = portal.coaches().await;
    let without_email = |coaches: &Vec<relay_clear_connection::Coach>| {
        let lacking = coaches.iter().filter(|coach| coach.email.is_none()).count();
        format!("{} coaches, {lacking} without email", coaches.len())
    };
    report("GET /coaches", coaches.as_ref().map(without_email))?;
    let today = TimeZone::UTC.to_datetime(now).date();
    let open = portal.open_check_ins(today).await;
    let count = |told: &relay_clear_connection::OpenCheckIns| {
        let (open, left_out) = (told.open.len(), told.left_out.len());
        format!("{open} open check-ins due before today; {left_out} reasons to leave others out")
    };
    report("GET /check-ins", open.as_ref().map(count))
}

async fn client(
    portal: &PortalClient,
    id: &ClientId,
    now: Timestamp,
) -> Result<(), Box<dyn Error>> {
    let client = portal.client(id).await;
    let missing = |client: &Option<relay_clear_connection::Client>| {
        let Some(client) = client else {
            return "no such client".to_owned();
        };
        let told = [
            ("status", client.status.is_some()),
            ("coach_id", client.coach.is_some()),
            ("first_name", client.first_name.is_some()),
            ("email", client.email.is_some()),
            ("keap_contact_id", client.contact.is_some()),
            ("last_regimen_change", client.last_regimen_change.is_some()),
            ("minor", client.minor.is_some()),
        ];
        let lacking: Vec<_> = told
            .iter()
            .filter(|(_, is)| !is)
            .map(|(name, _)| *name)
            .collect();
        format!("not told: {lacking:?}")
    };
    report("GET /clients/{id}", client.as_ref().map(missing))?;
    let since = now - SignedDuration::from_hours(28 * 24);
    let day = TimeZone::UTC.to_datetime(since).date();
    let check_ins = portal.check_ins(id, day).await;
    let count = |list: &Vec<_>| format!("{} in four weeks", list.len());
    report("GET /clients/{id}/check-ins", check_ins.as_ref().map(count))?;
    let messages = portal.messages(id, since).await;
    let count = |list: &Vec<_>| format!("{} in four weeks", list.len());
    report("GET /clients/{id}/messages", messages.as_ref().map(count))?;
    let notes = portal.notes(id, since).await;
    let count = |list: &Vec<_>| format!("{} in four weeks", list.len());
    report("GET /clients/{id}/notes", notes.as_ref().map(count))?;
    Ok(())
}

fn report(call: &str, result: Result<String, &CallError>) -> io::Result<()> {
    let mut out = io::stdout();
    match result {
        Ok(line) => writeln!(out, "ok      {call}: {line}"),
        Err(error) => writeln!(out, "FAILED  {call}: {error} ({})", error.class.as_str()),
    }
}
