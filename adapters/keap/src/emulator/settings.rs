//! What nobody could tell us about the vendor, as switches: tests run the client against each
//! reading, and a default is the harder one wherever both are plausible.

use std::ops::RangeInclusive;

use super::oddities::Oddities;

/// How a write of `custom_fields` treats fields that are not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListWrite {
    /// They are removed: what the v2 description says.
    Replace,
    /// They stay: what integrators see in v1.
    Merge,
}

/// Which custom fields a contact shows when asked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldEcho {
    /// Every defined field, unset ones with `content: null`: as recorded.
    AllDefined,
    /// Only fields that have a value.
    OnlySet,
}

/// What `GET /v2/contacts/model` tells of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelMetadata {
    /// Everything the description lists.
    Full,
    /// `options`, `record_type`, `group_id` and `field_name` are null and `label` holds the
    /// field name: as recorded on one tenant.
    Null,
}

/// The form of `next_page_token`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageToken {
    /// An opaque word.
    Token,
    /// A whole address with the word in it: as recorded for tags.
    Url,
}

/// How the last page says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEnd {
    /// No `next_page_token`.
    Absent,
    /// `null`.
    Null,
    /// An empty string.
    Empty,
}

/// How `name==…` compares for tags and products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFilter {
    /// The whole name, ignoring case.
    Equals,
    /// Any part of the name, ignoring case: what the same operator does for note titles.
    Contains,
}

/// What `:deactivate` of a subscription does to its `auto_charge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoCharge {
    /// Leaves it as it is.
    AsIs,
    /// Turns it off.
    TurnsOff,
}

/// What `:deactivate` of an inactive subscription answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondDeactivate {
    /// 200, like the first.
    Ok,
    /// 400.
    BadRequest,
    /// 409.
    Conflict,
}

/// Whether a deactivated card stays in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeactivatedCard {
    /// It does, and nothing in it tells.
    Listed,
    /// It doesn't.
    Hidden,
}

/// What unset members and new ones look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// Unset members are left out.
    Tidy,
    /// Unset members are null.
    Nulls,
    /// Unset members are null and every object has a member that no description knows.
    NullsAndNews,
    /// Every member is null but ids: no description says which can't be.
    NullsEverywhere,
    /// Unset members are left out, and in lists of tasks the descriptions, too.
    ShortLists,
}

/// The form of times in hook deliveries: the documentation shows none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookTime {
    /// `2026-06-12T09:10:55.000Z`
    Millis,
    /// `2026-06-12T09:10:55Z`
    Seconds,
    /// `2026-06-12T09:10:55.000+0000`
    Compact,
    /// `2026-06-12T09:10:55+00:00`
    Offset,
    /// `2026-06-12T09:10:55Z[UTC]`
    Bracketed,
    /// A word that is no time.
    Unreadable,
    /// No time at all.
    Missing,
}

/// What stands in `apiUrl` of a hook delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiUrl {
    /// The v1 address of the object.
    Present,
    /// An empty string.
    Empty,
    /// The member is left out.
    Missing,
}

/// How hook deliveries arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Once and in order.
    Orderly,
    /// Every accepted delivery comes a second time, 30–60 s later.
    Twice,
    /// Newest first, deliveries as well as the objects in them.
    Reversed,
}

/// Whether the tenant has the list of addresses: it was added in 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressList {
    /// It has.
    Offered,
    /// 404, like a path that isn't there.
    NotFound,
    /// 501.
    NotImplemented,
}

/// Where rows without a time stand in a list sorted by it, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// After all others.
    Last,
    /// Before all others, as a database that sorts nulls as the largest has it.
    First,
}

/// In which header a tenant takes keys: both are documented, and some are said to take only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// It takes a key in either.
    Either,
    /// `Authorization: Bearer` only.
    Bearer,
    /// `X-Keap-API-Key` only.
    ApiKey,
}

/// The limits of one key, and those of the tenant, which all its integrations use up together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests in one second; shown as `10ps`.
    pub per_second: u32,
    /// Requests in one minute.
    pub per_minute: u32,
    /// Requests until midnight UTC.
    pub per_day: u32,
    /// Requests of everybody in one minute.
    pub tenant_per_minute: u32,
    /// Requests of everybody until midnight UTC.
    pub tenant_per_day: u32,
    /// Whether more of them meet 429, or the headers only count.
    pub enforced: bool,
}

/// What the token endpoint says of a refresh token that is not valid: both were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedToken {
    /// `invalid_grant`, "Invalid refresh token".
    InvalidGrant,
    /// `invalid_request`, "Invalid Refresh Token".
    InvalidRequest,
}

/// What becomes of a token of the old pair when there is a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldToken {
    /// It dies at once.
    Dies,
    /// It is good until its own end.
    Lives,
}

/// What the admin says on the page where she is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// She agrees.
    Given,
    /// She declines.
    Denied,
}

/// The application that is registered with the vendor, and what is unknown about its tokens.
#[derive(Debug, Clone)]
pub struct OAuthSettings {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its address.
    pub redirect_uri: String,
    /// What every token begins with, so that a test can look for it everywhere.
    pub token_prefix: String,
    /// The page.
    pub consent: Consent,
    /// Refused refresh tokens.
    pub refused_token: RefusedToken,
    /// The refresh token a refresh was made with.
    pub old_refresh: OldToken,
    /// The access tokens issued before a refresh.
    pub old_access: OldToken,
}

impl Default for OAuthSettings {
    fn default() -> Self {
        Self {
            client_id: "emulated-application".to_owned(),
            client_secret: "emulated-secret".to_owned(),
            redirect_uri: "https://relay.test/oauth/keap/callback".to_owned(),
            token_prefix: "token-".to_owned(),
            consent: Consent::Given,
            refused_token: RefusedToken::InvalidGrant,
            old_refresh: OldToken::Dies,
            old_access: OldToken::Dies,
        }
    }
}

/// The switches.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The keys that are let in, as `Authorization: Bearer` or `X-Keap-API-Key`.
    pub keys: Vec<String>,
    /// The other way in: tokens.
    pub oauth: OAuthSettings,
    /// The header they are taken in.
    pub key_header: KeyHeader,
    /// The tenant, as `x-keap-tenant-id` names it.
    pub tenant: String,
    /// The tenant's zone, as its business profile names it.
    pub time_zone: String,
    /// The user whose key it is: everything the key makes is made by her.
    pub acting_user: u64,
    /// Limits of the key.
    pub limits: Limits,
    /// v2 writes of `custom_fields`.
    pub custom_fields: ListWrite,
    /// v1 writes of `custom_fields`.
    pub v1_custom_fields: ListWrite,
    /// Reads of `custom_fields`.
    pub field_echo: FieldEcho,
    /// The v2 model.
    pub model: ModelMetadata,
    /// Tokens of pages.
    pub page_token: PageToken,
    /// Last pages.
    pub page_end: PageEnd,
    /// Name filters.
    pub name_filter: NameFilter,
    /// Deactivation and auto-charge.
    pub deactivate_auto_charge: AutoCharge,
    /// Deactivating twice.
    pub second_deactivate: SecondDeactivate,
    /// Deactivated cards.
    pub deactivated_card: DeactivatedCard,
    /// Nulls and members nobody announced.
    pub drift: Drift,
    /// The list of addresses.
    pub address_list: AddressList,
    /// Unset times in sorted lists.
    pub unset: Unset,
    /// The rarer readings.
    pub oddities: Oddities,
    /// Seconds until a sent email is listed.
    pub email_delay: RangeInclusive<u32>,
    /// Seconds until a made task is listed.
    pub task_delay: RangeInclusive<u32>,
    /// Seconds until a made note is listed.
    pub note_delay: RangeInclusive<u32>,
    /// Event keys that this tenant doesn't offer: the lists that are known differ by edition or year.
    pub unoffered_events: Vec<String>,
    /// Whether an answer to a create or verify shows the status from before its handshake: the next
    /// list tells what came of it.
    pub verified_late: bool,
    /// Times in hook deliveries.
    pub hook_time: HookTime,
    /// Addresses in hook deliveries.
    pub api_url: ApiUrl,
    /// Duplicates and disorder of hook deliveries.
    pub arrival: Arrival,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keys: vec!["KeapAK-emulated".to_owned()],
            oauth: OAuthSettings::default(),
            key_header: KeyHeader::Either,
            tenant: "zz999.infusionsoft.test".to_owned(),
            time_zone: "America/Denver".to_owned(),
            acting_user: 1,
            limits: Limits {
                per_second: 10,
                per_minute: 240,
                per_day: 30_000,
                tenant_per_minute: 10_000,
                tenant_per_day: 250_000,
                enforced: false,
            },
            custom_fields: ListWrite::Replace,
            v1_custom_fields: ListWrite::Merge,
            field_echo: FieldEcho::AllDefined,
            model: ModelMetadata::Full,
            page_token: PageToken::Token,
            page_end: PageEnd::Absent,
            name_filter: NameFilter::Contains,
            deactivate_auto_charge: AutoCharge::AsIs,
            second_deactivate: SecondDeactivate::Ok,
            deactivated_card: DeactivatedCard::Listed,
            drift: Drift::Nulls,
            address_list: AddressList::Offered,
            unset: Unset::Last,
            oddities: Oddities::default(),
            email_delay: 60..=120,
            task_delay: 0..=0,
            note_delay: 0..=0,
            unoffered_events: Vec::new(),
            verified_late: false,
            hook_time: HookTime::Millis,
            api_url: ApiUrl::Present,
            arrival: Arrival::Orderly,
        }
    }
}
