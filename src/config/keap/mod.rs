//! `[keap]`: the customer relationship system.

mod address;
mod check_ins;
mod clinic;
mod gaps;
mod oauth;
mod words;

use std::collections::BTreeMap;

use relay_core::effects::CardRemoval;
use relay_core::time::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::gap::Gap;
use super::limits::LimitsConfig;
use super::mistakes::Mistakes;
use super::reader::Reader;
use super::vendor_mode::VendorMode;
use super::vendors::{Around, ByHand, Reach, TellsCheckIns, VendorSection};
pub use check_ins::KeapCheckInsConfig;
pub use clinic::{Coaching, ContactTypeField};
pub use oauth::KeapOAuth;
pub use words::WordNames;

/// The crate of the adapter, as a filter of the log names it.
pub(super) const CRATE: &str = "relay_keap";

pub(super) const EXAMPLE: &str = r#"[keap]
# "on", or "off": then the relay has no CRM, and what would go through one is asked of the coaches, in
# `clear-relay work list`: calls and emails, with number, address and text ready. Notes and tags are left out.
mode = "off"
base_url = "https://api.keap.com/crm"
# What Keap lets the relay in by: "service_account_key" (recommended), "personal_access_token", or
# "oauth" (tokens; see [keap.oauth], then `clear-relay connect keap --by NAME`).
credential = "service_account_key"
# The key or the personal token, made in Keap under Settings, API. Better in a file than here.
#key_file = "secrets/keap-key"
# The header the key travels in: "bearer", or "x-keap-api-key" where a tenant refuses the first.
header = "bearer"
# How a custom field is written so that no other field is lost: "full" sends all of them back,
# "single" the changed one, "v1_single" the changed one by the older interface.
custom_fields_mode = "full"
# What happens to the card of a stopped subscription, if nothing else uses it (A16, E46-E55):
# "deactivate", "delete" (can't be undone) or "keep".
card_removal = "deactivate"
# Every so many minutes the webhook subscriptions are looked at: what Keap has switched off is
# verified again, and what it did not tell meanwhile is read. 1 to 1440.
watch_minutes = 5
# Which of the hook secrets the subscriptions are to use.
#current_hook_secret = "b"
# Every so many minutes it is looked who has opened or clicked an email, so that a planned call can
# still become an email; 0 = never. Two calls each time, and one for each client who did.
poll_opens_minutes = 15

# Webhooks arrive at /hooks/keap/SECRET. An id with its secret, at least 22 characters that no
# one can guess; a second id while they are changed. No secret here: every webhook is refused.
# `hooks sync` moves the subscriptions to the current one: by name (current_hook_secret), else the
# last id in alphabetical order.
[keap.hook_secrets]
#a_file = "secrets/keap-hook-a"
#b_file = "secrets/keap-hook-b"

# Posts of the automation step "Send HTTP Post" arrive at /hooks/keap-automation/SECRET: an id with
# its secret, by the same rule. No secret here: every post is refused. The pairs of the step:
# contactId = ~Contact.Id~, event = email_opened or email_clicked, email = the email's subject.
[keap.automation_secrets]
#a_file = "secrets/keap-automation-a"

# The custom field that says In-Person or online: by its name and tab, or by id.
[keap.contact_type_field]
name = "Contact Type"
tab = "Clear Connection"
#id = "12"

# Who has missed a check-in, where Keap alone tells: no portal and no list of [check_ins]. A client's coach is the
# owner of her contact, and is known by the id of that user.
[keap.check_ins]
# The tag that says so, by its name; without it Keap tells nothing of check-ins. Put it on once the day of the
# check-in has passed. Taken off, the client has checked in.
#missed_tag = "Check-in missed"
# The field of contacts that holds the day the check-in was due, by its label or its id: needed with the tag.
#due_field = "Check-in due"
# A tag that says that she has checked in, although the first one is still on.
#checked_in_tag = "Checked in"
# A field with the day of her last check-in: from the due day on she has checked in.
#checked_in_field = "Last check-in"
# A field with the day of the last change of her regimen, from which the three weeks count.
#regimen_field = "Regimen changed"
# A tag that says that she is a minor: before anything but her coach's own words reaches her, her coach is asked.
#minor_tag = "Minor"
# Every so many minutes it is looked who has the tag. 5 to 1440.
every_minutes = 30

# The application registered with Keap, where credential is "oauth". Register the address
# PUBLIC_URL/oauth/keap/callback for it, or write another https address as redirect_url.
[keap.oauth]
#client_id = "0123456789abcdef"
#client_secret_file = "secrets/keap-oauth-secret"
#redirect_url = "https://relay.example.test/oauth/keap/callback"
authorize_url = "https://accounts.infusionsoft.com/app/oauth/authorize"
token_url = "https://api.infusionsoft.com/token"

# How much Keap is asked. All workers and processes on one database share it.
[keap.limits]
# Calls a minute on average, and at once. Keap's guidelines regard more than one a second on
# average as a fault of the caller.
calls_per_minute = 60
burst = 3
# Keap's answers say what is left of its own limits, which every integration of the account uses up.
# So much of each is kept for messages with a deadline. At none left everything waits until it is
# renewed. false: what the answers say is not looked at.
reserve_percent = 10
obey_quota = true
# So many calls in a row that meet no answer or a server error, and Keap is left alone for a while.
breaker_failures = 5
# How long work may wait for Keap before an admin gets a work item.
tell_after_minutes = 60

# What counts as the coaching fee (A15, E47). By id, never by name. Nothing else is ever stopped.
[keap.coaching]
product_ids = []
plan_ids = []

# Tags by which staff begin something about a client (E8): put one on her contact, and the relay takes it
# off again and answers with a note. "replied": she answered elsewhere, and nothing more goes out until her
# coach says so; "pause": the same without an answer; "resume": what is paused goes on. Make the tags in
# Keap; one that is missing is only never used. Three names that nothing else uses.
[keap.tags]
replied = "Follow-up: replied"
pause = "Follow-up: pause"
resume = "Follow-up: resume"
"#;

/// 128 bits, as base64url writes them: the secret is all that authenticates a webhook.
const MIN_HOOK_SECRET: usize = 22;

/// What Keap lets us in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A key with full access, made by an admin.
    ServiceAccountKey,
    /// A key with its maker's rights.
    PersonalAccessToken,
    /// Tokens that are renewed.
    OAuth,
}

impl CredentialKind {
    /// As it is written in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAccountKey => "service_account_key",
            Self::PersonalAccessToken => "personal_access_token",
            Self::OAuth => "oauth",
        }
    }
}

/// Calls a minute on average, and at once, where nothing else is written.
const USUAL: (u32, u32) = (60, 3);

/// The header a key travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `X-Keap-API-Key: KEY`.
    ApiKey,
}

/// How a custom field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomFieldsMode {
    /// All of them are sent back, one changed.
    Full,
    /// Only the changed one is sent.
    Single,
    /// Only the changed one is sent, through version 1 of the interface.
    V1Single,
}

/// The section.
#[derive(Debug, Clone)]
pub struct KeapConfig {
    /// Whether it is used.
    pub mode: VendorMode,
    /// Where it is.
    pub base_url: Url,
    /// What lets us in.
    pub credential: CredentialKind,
    /// The key; there whenever `mode` is on and the credential is one.
    pub key: Option<SecretString>,
    /// The application, where the credential is OAuth.
    pub oauth: KeapOAuth,
    /// How the key travels.
    pub header: KeyHeader,
    /// The secrets in webhook paths, by id.
    pub hook_secrets: BTreeMap<String, SecretString>,
    /// The secrets in addresses of automation posts, by id.
    pub automation_secrets: BTreeMap<String, SecretString>,
    /// How often it is looked who has opened or clicked; `None`: never.
    pub poll_opens: Option<SignedDuration>,
    /// The contact type field.
    pub contact_type_field: ContactTypeField,
    /// What counts as the coaching fee.
    pub coaching: Coaching,
    /// The tags by which staff begin something.
    pub tags: WordNames,
    /// By what Keap tells of check-ins; `None`: it doesn't.
    pub check_ins: Option<KeapCheckInsConfig>,
    /// What happens to the card.
    pub card_removal: CardRemoval,
    /// How often the subscriptions are looked at.
    pub watch_minutes: u32,
    /// The hook secret to use, where it is named.
    pub named_hook_secret: Option<String>,
    /// How custom fields are written.
    pub custom_fields_mode: CustomFieldsMode,
    /// How much it may be asked.
    pub limits: LimitsConfig,
}

impl KeapConfig {
    fn of(mut reader: Reader<'_>) -> Option<Self> {
        let mode = VendorMode::read(&mut reader);
        let base_url = address::base_url(&mut reader, "base_url", "https://api.keap.com/crm");
        let credential = credential(&mut reader);
        let is_oauth = mode == VendorMode::On && credential == CredentialKind::OAuth;
        let key = key(&mut reader, mode, credential);
        let oauth = KeapOAuth::read(reader.section("oauth"), is_oauth);
        let headers = [
            ("bearer", KeyHeader::Bearer),
            ("x-keap-api-key", KeyHeader::ApiKey),
        ];
        let header = reader.choice("header", &headers, KeyHeader::Bearer);
        let custom_fields_mode = reader.choice(
            "custom_fields_mode",
            &[
                ("full", CustomFieldsMode::Full),
                ("single", CustomFieldsMode::Single),
                ("v1_single", CustomFieldsMode::V1Single),
            ],
            CustomFieldsMode::Full,
        );
        let card_removal = reader.choice(
            "card_removal",
            &[
                ("deactivate", CardRemoval::Deactivate),
                ("delete", CardRemoval::Delete),
                ("keep", CardRemoval::Keep),
            ],
            CardRemoval::Deactivate,
        );
        let hook_secrets = path_secrets(&mut reader, "hook_secrets");
        let watch_minutes = watch_minutes(&mut reader);
        let named_hook_secret = reader.text("current_hook_secret");
        if let Some(named) = &named_hook_secret
            && !hook_secrets.contains_key(named)
        {
            reader.mistake(
                "current_hook_secret",
                format!("{named:?} is no id in keap.hook_secrets"),
                "write one of the ids there, or leave the key out",
            );
        }
        let automation_secrets = path_secrets(&mut reader, "automation_secrets");
        for (id, secret) in &automation_secrets {
            let same = |hook: &&SecretString| hook.expose_secret() == secret.expose_secret();
            if hook_secrets.values().find(same).is_some() {
                reader.mistake(
                    &format!("automation_secrets.{id}"),
                    "is a secret of keap.hook_secrets too, so one that leaks opens both webhook paths",
                    "make a new one",
                );
            }
        }
        let poll_opens = poll_opens(&mut reader);
        let contact_type_field = ContactTypeField::read(reader.section("contact_type_field"));
        let coaching = Coaching::read(reader.section("coaching"));
        let tags = WordNames::read(reader.section("tags"));
        let check_ins = KeapCheckInsConfig::read(reader.section("check_ins"));
        let limits = LimitsConfig::read(reader.section("limits"), Some(USUAL));
        reader.finish();
        Some(Self {
            mode,
            base_url: base_url?,
            credential,
            key,
            oauth: oauth?,
            header,
            hook_secrets,
            automation_secrets,
            poll_opens,
            contact_type_field,
            coaching,
            tags,
            check_ins,
            card_removal,
            watch_minutes,
            named_hook_secret,
            custom_fields_mode,
            limits,
        })
    }

    /// The id of the hook secret that subscriptions are to use; `None` if there is no secret.
    pub fn current_hook_secret(&self) -> Option<&str> {
        let last = || self.hook_secrets.keys().next_back().map(String::as_str);
        self.named_hook_secret.as_deref().or_else(last)
    }
}

/// The longest time between two looks: a day.
const MOST_MINUTES: u32 = 24 * 60;

fn watch_minutes(reader: &mut Reader<'_>) -> u32 {
    const KEY: &str = "watch_minutes";
    const USUAL: u32 = 5;
    match reader.parsed(KEY, "a number of minutes") {
        None => USUAL,
        Some(minutes) if (1..=MOST_MINUTES).contains(&minutes) => minutes,
        Some(minutes) => {
            reader.mistake(
                KEY,
                format!("{minutes} is not from 1 to {MOST_MINUTES}"),
                "write how many minutes may pass between two looks",
            );
            USUAL
        }
    }
}

fn credential(reader: &mut Reader<'_>) -> CredentialKind {
    use CredentialKind::{OAuth, PersonalAccessToken, ServiceAccountKey};
    let kinds = [ServiceAccountKey, PersonalAccessToken, OAuth].map(|kind| (kind.as_str(), kind));
    reader.choice("credential", &kinds, ServiceAccountKey)
}

fn key(
    reader: &mut Reader<'_>,
    mode: VendorMode,
    credential: CredentialKind,
) -> Option<SecretString> {
    let key = reader.secret("key", "key_file");
    match (credential, &key) {
        (CredentialKind::OAuth, Some(_)) => reader.mistake(
            "key",
            "is not used while credential is \"oauth\"",
            "leave it out, or write credential = \"service_account_key\"",
        ),
        (CredentialKind::OAuth, None) | (_, Some(_)) => {}
        (_, None) if mode == VendorMode::On && !reader.is_mistaken("key_file") => reader.mistake(
            "key",
            "is missing",
            "write key_file = \"PATH\", credential = \"oauth\", or mode = \"off\"",
        ),
        (_, None) => {}
    }
    key
}

/// Looking less often than daily would be no looking.
const MAX_POLL_MINUTES: u32 = 24 * 60;

fn poll_opens(reader: &mut Reader<'_>) -> Option<SignedDuration> {
    const KEY: &str = "poll_opens_minutes";
    let minutes = reader
        .parsed::<u32>(KEY, "a number of minutes; 0 = never")
        .unwrap_or(15);
    if minutes > MAX_POLL_MINUTES {
        reader.mistake(
            KEY,
            "is longer than a day",
            format!("write 1 to {MAX_POLL_MINUTES}, or 0 for never"),
        );
    }
    (minutes > 0).then(|| SignedDuration::from_mins(minutes.into()))
}

fn path_secrets(reader: &mut Reader<'_>, key: &'static str) -> BTreeMap<String, SecretString> {
    let secrets = reader.secrets(key);
    for (id, secret) in &secrets {
        let text = secret.expose_secret();
        let fits_path = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if text.len() < MIN_HOOK_SECRET || !fits_path {
            reader.mistake(
                &format!("{key}.{id}"),
                "can be guessed, or can't stand in a path",
                format!("write at least {MIN_HOOK_SECRET} random letters, digits, - or _"),
            );
        }
    }
    secrets
}

impl VendorSection for KeapConfig {
    fn read(reader: Reader<'_>) -> Option<Self> {
        Self::of(reader)
    }

    fn is_on(&self) -> bool {
        self.mode == VendorMode::On
    }

    fn limits(&self) -> Option<&LimitsConfig> {
        Some(&self.limits)
    }

    fn addresses(&self) -> Vec<(&'static str, &Url)> {
        let mut addresses = vec![("keap.base_url", &self.base_url)];
        if self.is_oauth() {
            addresses.push(("keap.oauth.token_url", &self.oauth.token_url));
            addresses.push(("keap.oauth.authorize_url", &self.oauth.authorize_url));
        }
        addresses
    }

    fn is_crm(&self) -> bool {
        true
    }

    fn by_hand(&self) -> Option<ByHand> {
        let what = "is \"off\": coaches call and mail clients by hand, asked to in `clear-relay work list`; nobody \
                    tells the relay which emails were opened; it makes no task, note or tag in Keap, knows no \
                    contact type, and stops no fee";
        (!self.is_on()).then_some(ByHand {
            key: "keap.mode",
            what,
        })
    }

    fn tells_check_ins(&self) -> Option<TellsCheckIns> {
        Some(TellsCheckIns {
            key: "keap.check_ins.missed_tag",
            on: self.is_on() && self.check_ins.is_some(),
            how: "keap.check_ins.missed_tag = \"TAG\" and keap.check_ins.due_field = \"FIELD\"",
            off: "take keap.check_ins.missed_tag out",
            is_looked_up: true,
        })
    }

    fn check(&self, around: &Around<'_>, mistakes: &Mistakes) {
        if !self.is_oauth() {
            return;
        }
        self.oauth.check(around.public_url, mistakes);
        if !around.has_encryption_key {
            mistakes.add(
                "secrets.encryption_key",
                "is missing, and keap.credential is \"oauth\"",
                "make one with `clear-relay connect new-key` and name its file",
            );
        }
    }

    fn gaps(&self, reach: Reach<'_>) -> Vec<Gap> {
        let mut gaps = Vec::new();
        if self.is_on() {
            self.hook_gaps(reach, &mut gaps);
            self.coaching_gaps(&mut gaps);
            self.unused(&mut gaps);
        }
        gaps
    }

    fn needs_store(&self) -> bool {
        self.is_oauth()
    }
}

impl KeapConfig {
    /// Where Keap sends the browser back to after somebody has agreed.
    pub fn redirect_url(&self, public_url: Option<&Url>) -> Option<Url> {
        self.oauth.redirect_url(public_url)
    }

    /// Whether it is used, with tokens.
    pub fn is_oauth(&self) -> bool {
        self.mode == VendorMode::On && self.credential == CredentialKind::OAuth
    }
}
