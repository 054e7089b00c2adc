//! Products and plans of the coaching fee. The relay goes by ids, and people by names: here the
//! two are compared (A15).

use std::collections::BTreeSet;

use relay_http_client::CallError;
use relay_keap::types::Product;

use super::{KeapInspector, could_not};
use crate::doctor::{Area, Finding};

/// Both names of the documents hold it: "Monthly Coaching Fee", "Monthly Coaching Support Fee".
const WORD: &str = "coaching";
const PRODUCTS: &str = "keap.coaching.product_ids";
const PLANS: &str = "keap.coaching.plan_ids";
const SCREEN: &str = "in Keap under E-Commerce, Products";

impl KeapInspector {
    pub(super) async fn fee(&self) -> Vec<Finding> {
        let coaching = &self.config.coaching;
        if coaching.product_ids.is_empty() && coaching.plan_ids.is_empty() {
            // A gap of the configuration already.
            return Vec::new();
        }
        match self.products_and_plans().await {
            Ok(findings) if findings.is_empty() => {
                let what = "every product and plan of the coaching fee is there and named so";
                vec![Finding::ok(Area::CoachingFee, "keap.coaching", what)]
            }
            Ok(findings) => findings,
            Err(error) => vec![could_not(Area::CoachingFee, "products", &error)],
        }
    }

    async fn products_and_plans(&self) -> Result<Vec<Finding>, CallError> {
        let mut findings = Vec::new();
        let mut names = BTreeSet::new();
        for id in &self.config.coaching.product_ids {
            match self.client.product(id).await? {
                None => findings.push(unknown(PRODUCTS, "product", id)),
                Some(product) => {
                    let name = product.name.unwrap_or_default();
                    findings.extend(other_name(id, &name));
                    names.insert(name);
                }
            }
        }
        for name in names.iter().filter(|name| !name.is_empty()) {
            for twin in self.client.products_by_name(name).await? {
                findings.extend(self.twin(twin, name));
            }
        }
        findings.extend(self.plans().await?);
        Ok(findings)
    }

    /// Another product of the same name, whose subscriptions staff would take for the same fee.
    fn twin(&self, product: Product, name: &str) -> Option<Finding> {
        let id = product.id?;
        let configured = self.config.coaching.product_ids.contains(&id);
        (!configured).then(|| {
            Finding::warning(
                Area::CoachingFee,
                PRODUCTS,
                format!("product {id} is called {name:?}, too, and {PRODUCTS} doesn't name it: its subscriptions are never stopped"),
                format!("add {id:?} to {PRODUCTS} if it is the same fee, or rename it {SCREEN}"),
            )
        })
    }

    async fn plans(&self) -> Result<Vec<Finding>, CallError> {
        let wanted = &self.config.coaching.plan_ids;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let products = self.client.products().await?;
        let there = |id: &&String| {
            let mut plans = products
                .iter()
                .flat_map(|product| &product.subscription_plans);
            plans.any(|plan| plan.id.as_ref() == Some(*id))
        };
        let missing = wanted.iter().filter(|id| !there(id));
        Ok(missing.map(|id| unknown(PLANS, "plan", id)).collect())
    }
}

fn unknown(key: &str, what: &str, id: &str) -> Finding {
    Finding::fault(
        Area::CoachingFee,
        key,
        format!("{key} names {id:?}, and Keap has no such {what}"),
        format!("write the ids as they stand {SCREEN} (A15)"),
    )
}

fn other_name(id: &str, name: &str) -> Option<Finding> {
    (!name.to_lowercase().contains(WORD)).then(|| {
        Finding::warning(
            Area::CoachingFee,
            PRODUCTS,
            format!("product {id} is called {name:?}, which doesn't look like a coaching fee"),
            format!("take {id:?} out of {PRODUCTS} if it is another product; look {SCREEN}"),
        )
    })
}
