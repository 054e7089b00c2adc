//! Keap as one value of the list of vendors.

use std::collections::BTreeMap;
use std::sync::Arc;

use relay_core::effects::Port;
use relay_core::random::SystemRandom;
use relay_core::time::SignedDuration;
use relay_keap::webhook::PathSecrets;
use secrecy::SecretString;

use super::check_ins::KeapCheckIns;
use super::connection::KeapConnection;
use super::hooks::WebhookEndpoints;
use super::inspect::{ConnectionInspector, KeapInspector};
use super::{
    AutomationSource, ClosedPaths, CoachingPlans, HookPaths, KeapHooks, KeapPorts, KeapSource,
    emulated,
};
use crate::config::{Config, KeyHeader, VendorSection as _};
use crate::failpoint::NoFailpoints;
use crate::ports::Inspect;
use crate::wiring::emulated::Emulation;
use crate::wiring::ports::PortSet;
use crate::wiring::vendor::{Form, InspectionContext, NewSecret, Provided, Secret, Vendor, Wiring};
use crate::wiring::{AssembleError, Runtime};

/// Keap, as the relay uses it: the clinic's CRM.
pub const VENDOR: Vendor = Vendor {
    name: relay_keap::VENDOR,
    title: "Keap",
    port: Some(Port::Crm),
    settings: |config| &config.vendors.keap,
    read_quota: Some(relay_keap::quota::read),
    provide,
    inspectors,
    portal: |_| None,
    form: Form {
        changes: &[
            ("[keap]", "mode = \"off\"", "mode = \"on\""),
            (
                "[keap]",
                "#key_file = \"secrets/keap-key\"",
                "key_file = \"secrets/keap-key\"",
            ),
            (
                "[keap.hook_secrets]",
                "#a_file = \"secrets/keap-hook-a\"",
                "a_file = \"secrets/keap-hook-a\"",
            ),
        ],
        secrets: &[
            NewSecret {
                file: "keap-key",
                what: "empty: the service account key that Keap makes under Settings, API",
                content: Secret::OfVendor,
            },
            NewSecret {
                file: "keap-hook-a",
                what: "made: the secret in the address of Keap's webhooks",
                content: Secret::Hex,
            },
        ],
    },
    emulation: Emulation {
        folder: "keap",
        base: "crm",
        only_where: None,
        off: |base| Some(emulated::off(base)),
        start: emulated::start,
    },
};

fn provide(wiring: &Wiring<'_>) -> Result<Provided, AssembleError> {
    let (config, runtime) = (wiring.config, wiring.runtime);
    let keap = &config.vendors.keap;
    if !keap.is_on() {
        return Ok(Provided::default());
    }
    let transport = wiring.transport(&VENDOR);
    let connection = Arc::new(KeapConnection::new(config, runtime, transport)?);
    let client = Arc::clone(connection.client());
    let coaching = CoachingPlans {
        products: keap.coaching.product_ids.iter().cloned().collect(),
        plans: keap.coaching.plan_ids.iter().cloned().collect(),
    };
    let crm = Arc::new(KeapPorts::new(
        Arc::clone(&client),
        coaching,
        keap.tags.clone(),
        Arc::clone(wiring.clock()),
    ));
    let closed = ClosedPaths::default();
    let secrets = path_secrets(&keap.hook_secrets);
    let hooks = KeapHooks::new(
        client,
        WebhookEndpoints {
            paths: hook_paths(config),
            secrets: secrets.clone(),
            closed: closed.clone(),
        },
        SignedDuration::from_mins(i64::from(keap.watch_minutes)),
        Arc::clone(&runtime.store),
        Arc::clone(&runtime.clocks.real),
    );
    let automation = path_secrets(&keap.automation_secrets);
    let portal = keap.check_ins.as_ref().map(|section| {
        let told = KeapCheckIns::new(
            Arc::clone(connection.client()),
            section.clone(),
            Arc::clone(&runtime.store),
            Arc::clone(wiring.clock()),
            config.calendar.zone().clone(),
        );
        Arc::new(told) as _
    });
    Ok(Provided {
        ports: PortSet {
            portal,
            contacts: Some(Arc::clone(&crm) as _),
            mail: Some(Arc::clone(&crm) as _),
            addresses: Some(Arc::clone(&crm) as _),
            tasks: Some(Arc::clone(&crm) as _),
            notes: Some(Arc::clone(&crm) as _),
            tags: Some(Arc::clone(&crm) as _),
            billing: Some(Arc::clone(&crm) as _),
            staff: Some(crm),
            hooks: Some(Arc::new(hooks)),
        },
        sources: vec![
            Arc::new(KeapSource::new(secrets, closed)),
            Arc::new(AutomationSource::new(automation)),
        ],
        connections: Some(Arc::clone(&connection) as _),
        authorize: Some(connection),
        poll_opens: keap.poll_opens,
        check_in_list: keap.check_ins.as_ref().map(|section| section.every),
        ..Provided::default()
    })
}

fn path_secrets(secrets: &BTreeMap<String, SecretString>) -> PathSecrets {
    let pairs = secrets.iter();
    PathSecrets::new(pairs.map(|(id, secret)| (id.clone(), secret.clone())))
}

/// Where Keap is to send its hooks: the public address, the route, the current secret.
fn hook_paths(config: &Config) -> Option<HookPaths> {
    let public = config.http.public_url.as_ref()?;
    let keap = &config.vendors.keap;
    let current = keap.current_hook_secret()?;
    HookPaths::new(public, keap.hook_secrets.clone(), current)
}

fn inspectors(context: &InspectionContext<'_>) -> Vec<Arc<dyn Inspect>> {
    let Some(connection) = connection(context) else {
        return Vec::new();
    };
    let config = context.config;
    let keap = &config.vendors.keap;
    // Hooks can be judged only by an address that is right.
    let sure_of_address = !config.gaps().iter().any(|gap| gap.key == "http.public_url");
    let other = match keap.header {
        KeyHeader::Bearer => KeyHeader::ApiKey,
        KeyHeader::ApiKey => KeyHeader::Bearer,
    };
    let clock = &context.clocks.procedure;
    let keap = KeapInspector {
        client: Arc::clone(connection.client()),
        other_way: connection.in_header(keap, other, context.transport, clock),
        other,
        config: keap.clone(),
        hook_url: hook_paths(config)
            .and_then(|paths| paths.url())
            .filter(|_| sure_of_address),
        public_url: config.http.public_url.clone(),
        coaches: context.portal.clone(),
        act_for: config.procedures.missed_check_in.acts_for(),
        manager: config.people.program_manager_user.clone(),
        zone: config.calendar.zone().clone(),
        now: clock.now(),
        heard: Arc::clone(context.heard),
    };
    vec![Arc::new(ConnectionInspector(connection)), Arc::new(keap)]
}

/// The way to Keap. Tokens are kept in the database: without one there is nothing to look with.
fn connection(context: &InspectionContext<'_>) -> Option<Arc<KeapConnection>> {
    let transport = Arc::clone(context.transport);
    let connection = match &context.store {
        Some(store) => {
            let runtime = Runtime {
                store: Arc::clone(store),
                transport: Arc::clone(&transport),
                clocks: context.clocks.clone(),
                random: Arc::new(SystemRandom),
                failpoints: Arc::new(NoFailpoints),
                faults: None,
                time_scale: 1,
                worker: format!("doctor-{}", std::process::id()),
            };
            KeapConnection::new(context.config, &runtime, transport)
        }
        None => KeapConnection::by_key(
            &context.config.vendors.keap,
            transport,
            &context.clocks.procedure,
        ),
    };
    connection.ok().map(Arc::new)
}
