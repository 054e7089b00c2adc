//! All emulated vendors, as one thing that acts, delivers and remembers.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use relay_core::effects::Port;
use relay_core::time::Timestamp;
use relay_http_client::Transport;
use relay_http_client::emulation::described::Side;
use relay_http_client::emulation::{Accepted, Emulator, FaultRule, Faults};
use serde_json::{Map, Value};
use url::Url;

use crate::wiring::VENDORS;
use crate::wiring::emulated::{Clinic, Emulated, EmulatedClient, StaffTask, ToldBy};
use crate::wiring::vendor::Vendor;

/// A vendor of the box.
#[derive(Debug, Clone)]
pub struct OneVendor {
    /// Its row of the list.
    pub vendor: &'static Vendor,
    /// It, emulated, with the invented clinic in it.
    pub emulated: Arc<dyn Emulated>,
    /// What acts, fails, accepts and delivers.
    pub emulator: Arc<dyn Emulator>,
}

/// The vendors of the box.
#[derive(Debug, Clone)]
pub struct Vendors {
    /// By title, so that the order of the list decides nothing that a run could show.
    all: Vec<OneVendor>,
}

impl Vendors {
    /// The vendors of `clinic`, where nobody is yet.
    pub fn new(clinic: &Clinic<'_>) -> Self {
        let takes_part = |vendor: &&&Vendor| {
            let only_where = vendor.emulation.only_where;
            only_where.is_none_or(|only| only == clinic.told_by)
                && (clinic.has_crm || vendor.port != Some(Port::Crm))
        };
        let mut listed: Vec<_> = VENDORS.iter().filter(takes_part).copied().collect();
        listed.sort_by_key(|vendor| vendor.title);
        let all = listed.into_iter().map(|vendor| {
            let emulated = (vendor.emulation.start)(clinic);
            OneVendor {
                vendor,
                emulator: emulated.emulator(),
                emulated,
            }
        });
        Self { all: all.collect() }
    }

    /// Each of them.
    pub fn each(&self) -> impl Iterator<Item = &OneVendor> {
        self.all.iter()
    }

    /// The emulator of this type, if there is one.
    pub fn emulator<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let mut found = self.all.iter();
        found.find_map(|one| {
            let emulator: Arc<dyn Any + Send + Sync> = one.emulated.emulator();
            emulator.downcast().ok()
        })
    }

    /// The one of that name.
    pub fn named(&self, name: &str) -> Result<&OneVendor, String> {
        let found = self.all.iter().find(|one| one.vendor.name == name);
        found.ok_or_else(|| {
            let there: Vec<&str> = self.all.iter().map(|one| one.vendor.name).collect();
            format!(
                "there is no vendor {name}; there are {}",
                there.join(" and ")
            )
        })
    }

    /// The one that stands for a side of the world.
    pub fn at(&self, port: Port) -> Result<&OneVendor, String> {
        let found = self.all.iter().find(|one| one.vendor.port == Some(port));
        let nobody = || format!("no vendor stands for the {}", port.as_str());
        found.ok_or_else(nobody)
    }

    /// The one in which a client checks in: the portal, or the list that tells who has.
    pub fn of_check_ins(&self) -> Result<&OneVendor, String> {
        let tells = |one: &&OneVendor| one.vendor.emulation.only_where == Some(ToldBy::List);
        self.at(Port::Portal)
            .or_else(|nobody| self.all.iter().find(tells).ok_or(nobody))
    }

    /// Sets up what every account has before anybody is in it. Returns what was made.
    pub fn furnish(&self) -> Result<Map<String, Value>, String> {
        let mut made = Map::new();
        for one in &self.all {
            made.extend(one.emulated.furnish()?);
        }
        Ok(made)
    }

    /// Their sections of a configuration, in the order of the list. `origin` says where each is served,
    /// and ends in a slash.
    pub fn sections(
        &self,
        furnished: &Map<String, Value>,
        origin: impl Fn(&Vendor) -> String,
    ) -> Result<Vec<String>, String> {
        let mut sections = Vec::new();
        for vendor in VENDORS {
            let base = format!("{}{}", origin(vendor), vendor.emulation.base);
            let base: Url = base.parse().map_err(|error| format!("{base}: {error}"))?;
            match self.named(vendor.name) {
                Ok(one) => sections.push(one.emulated.section(&base, furnished)),
                // One that takes no part is off.
                Err(_) => sections.extend((vendor.emulation.off)(&base)),
            }
        }
        Ok(sections)
    }

    /// Their interfaces, each with the vendor.
    pub fn routers(&self) -> impl Iterator<Item = (&'static Vendor, Router)> {
        self.all
            .iter()
            .map(|one| (one.vendor, Arc::clone(&one.emulator).router()))
    }

    /// Where events go, and how.
    pub fn set_hook_transport(&self, transport: &Arc<dyn Transport>) {
        for one in &self.all {
            one.emulator.set_hook_transport(Arc::clone(transport));
        }
    }

    /// Events go to the relay at `relay`, by `transport`.
    pub fn connect(&self, transport: &Arc<dyn Transport>, relay: &Url) -> Result<(), String> {
        self.set_hook_transport(transport);
        let mut all = self.all.iter();
        all.try_for_each(|one| one.emulated.connect(relay))
    }

    /// An act of the world at one vendor.
    pub fn act(&self, vendor: &str, what: Value) -> Result<Value, String> {
        self.named(vendor)?.emulator.act(what)
    }

    /// Orders a fault at one vendor.
    pub fn order(&self, vendor: &str, rule: FaultRule) -> Result<(), String> {
        self.faults(vendor)?.order(rule);
        Ok(())
    }

    /// The faults that one vendor has on order.
    pub fn faults(&self, vendor: &str) -> Result<&Faults, String> {
        Ok(self.named(vendor)?.emulator.faults())
    }

    /// Everything in which the exchanges so far differed from what the vendors describe, whoever was
    /// wrong: the relay, or the box. Deliberate faults are not among it.
    pub fn mismatches(&self) -> Vec<String> {
        let found = self.all.iter().flat_map(|one| {
            let name = one.vendor.name;
            let sides = [Side::Request, Side::Answer].into_iter();
            let mismatches = sides.flat_map(|side| one.emulator.mismatches(side));
            mismatches.map(move |mismatch| format!("{name}: {mismatch}"))
        });
        found.collect()
    }

    /// Everything that they accepted, in order of time.
    pub fn accepted(&self) -> Vec<Accepted> {
        let accepted = self.all.iter().flat_map(|one| one.emulator.accepted());
        let mut all: Vec<Accepted> = accepted.collect();
        all.sort_by_key(|entry| entry.at);
        all
    }

    /// Every event that the relay acknowledged, by vendor.
    pub fn acknowledged(&self) -> BTreeMap<&'static str, Vec<String>> {
        let all = self.all.iter();
        all.map(|one| (one.vendor.name, one.emulator.acknowledged()))
            .collect()
    }

    /// Everybody whom a vendor knows by the portal's id.
    pub fn clients(&self) -> Vec<EmulatedClient> {
        let all = self.all.iter();
        all.flat_map(|one| one.emulated.clients()).collect()
    }

    /// The tasks of staff about a contact, at whichever vendor they are.
    pub fn tasks_about(&self, contact: u64) -> Vec<StaffTask> {
        let all = self.all.iter();
        all.flat_map(|one| one.emulated.tasks_about(contact))
            .collect()
    }

    /// When the next event is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.all
            .iter()
            .filter_map(|one| one.emulator.next_due())
            .min()
    }

    /// Delivers what is due. Returns how many deliveries were tried.
    pub async fn deliver_due(&self) -> usize {
        let mut delivered = 0;
        for one in &self.all {
            delivered += one.emulator.deliver_due().await;
        }
        delivered
    }

    /// Forgets everybody, every fault and the book.
    pub fn reset(&self) {
        for one in &self.all {
            one.emulator.reset();
        }
    }
}
