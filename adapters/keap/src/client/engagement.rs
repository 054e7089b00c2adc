//! Who has opened or clicked lately: a cheap sign that somebody's mail is worth reading again.
//!
//! Keap knows the latest open and the latest click per *address*, over all mail. That proves nothing
//! about any one mail; it tells whose history may have changed. The list is young (June 2026): where
//! a tenant doesn't have it, it answers 404 or 501, and addresses are asked for one by one.

use relay_core::time::Timestamp;
use relay_http_client::CallError;

use super::{KeapClient, MAX_PAGES, Null, unexpected};
use crate::query::Query;
use crate::types::EmailAddressStatus;

/// The time of an address that has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// The latest open.
    Opened,
    /// The latest click.
    Clicked,
}

impl Moved {
    fn order(self) -> &'static str {
        match self {
            Self::Opened => "last_open_time desc",
            Self::Clicked => "last_click_time desc",
        }
    }

    fn of(self, row: &EmailAddressStatus) -> Option<Timestamp> {
        match self {
            Self::Opened => row.last_open_time,
            Self::Clicked => row.last_click_time,
        }
    }
}

/// What an address shows.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressActivity {
    /// The address, as Keap spells it.
    pub email: String,
    /// The latest open of any mail to it.
    pub last_open_at: Option<Timestamp>,
    /// The latest click in any mail to it.
    pub last_click_at: Option<Timestamp>,
}

impl std::fmt::Debug for AddressActivity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address is a person.
        f.debug_struct("AddressActivity")
            .field("last_open_at", &self.last_open_at)
            .field("last_click_at", &self.last_click_at)
            .finish_non_exhaustive()
    }
}

impl AddressActivity {
    fn of(row: EmailAddressStatus) -> Option<Self> {
        Some(Self {
            email: row.email?,
            last_open_at: row.last_open_time,
            last_click_at: row.last_click_time,
        })
    }
}

impl KeapClient {
    /// Every address of the tenant whose latest open (or click) is at or after `since`; `None` if
    /// the tenant has no such list.
    ///
    /// Reads on until a page holds nothing newer, or, should Keap not sort as asked, to the end. An
    /// address that moves while pages are read moves to the front and may be missed: the caller's
    /// next look, which overlaps this one, finds it.
    pub async fn addresses_moved(
        &self,
        moved: Moved,
        since: Timestamp,
    ) -> Result<Option<Vec<AddressActivity>>, CallError> {
        const OPERATION: &str = "keap list addresses";
        let query = Query::new()
            .with("order_by", moved.order())
            .with("page_size", "200");
        let path = ["v2", "emailAddresses"];
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        let mut before: Option<Timestamp> = None;
        let mut sorted = true;
        for _ in 0..MAX_PAGES {
            let page = self
                .page(
                    OPERATION,
                    &path,
                    &query,
                    token.as_deref(),
                    ("email_addresses", Null::IsEmpty),
                )
                .await;
            let (rows, next): (Vec<EmailAddressStatus>, _) = match page {
                Ok(page) => page,
                Err(error) if token.is_none() && is_absent(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            let was_empty = rows.is_empty();
            let mut reached = false;
            for row in rows {
                // Addresses that nothing was opened at stand first or last: they tell no order.
                let Some(at) = moved.of(&row) else { continue };
                sorted &= before.is_none_or(|before| at <= before);
                before = Some(at);
                if at < since {
                    reached = true;
                } else {
                    found.extend(AddressActivity::of(row));
                }
            }
            if was_empty || next.is_none() || (reached && sorted) {
                return Ok(Some(found));
            }
            token = next;
        }
        Err(unexpected(
            OPERATION,
            "the list has more pages than we read",
        ))
    }

    /// What one address shows; `None` if Keap has no row for it: it was never mailed.
    pub async fn address_activity(
        &self,
        email: &str,
    ) -> Result<Option<AddressActivity>, CallError> {
        const OPERATION: &str = "keap get address status";
        let path = ["v2", "emailAddresses", email.trim(), "status"];
        let row: Option<EmailAddressStatus> =
            self.read_if_there(OPERATION, &path, &Query::new()).await?;
        Ok(row.map(|row| AddressActivity {
            email: email.trim().to_owned(),
            last_open_at: row.last_open_time,
            last_click_at: row.last_click_time,
        }))
    }
}

/// Whether a tenant answers as if there were no such list.
fn is_absent(error: &CallError) -> bool {
    matches!(error.status, Some(404 | 501))
}
