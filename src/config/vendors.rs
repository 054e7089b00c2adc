//! The vendors' sections: one list, and what the rest of the configuration asks of each.
//!
//! How a newcomer adds a vendor's section: a folder of its own beside this file, with `EXAMPLE`,
//! `CRATE` and a type that implements [`VendorSection`]; `mod NAME;` in `config/mod.rs`; and one
//! line in the list below. The section, the field and the module have one name.
//!
//! Rules: the list is in the order of the file. Nothing outside of a vendor's own folders asks which
//! vendor it is.

use url::Url;

use super::gap::Gap;
use super::limits::LimitsConfig;
use super::mistakes::Mistakes;
use super::reader::Reader;

/// What a section is checked against, once all of them are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Where the world reaches the relay.
    pub(super) public_url: Option<&'a Url>,
    /// Whether tokens can be sealed.
    pub(super) has_encryption_key: bool,
}

/// That a vendor can tell who is expected and who has checked in. One of them does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TellsCheckIns {
    /// The key that switches it on.
    pub(super) key: &'static str,
    /// Whether it is on.
    pub(super) on: bool,
    /// What to write for it to tell.
    pub(super) how: &'static str,
    /// What to do for it not to.
    pub(super) off: &'static str,
    /// Whether the relay can look, or be given a file: nobody need reach it then.
    pub(super) is_looked_up: bool,
}

/// How the world reaches the relay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    /// The address under which vendors call, if one is set.
    pub(super) public_url: Option<&'a Url>,
    /// Whether it can be tried out without: who is expected is looked up.
    pub(super) is_tried_without: bool,
}

/// What a vendor that is off leaves to people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByHand {
    /// The key that would switch it on.
    pub(crate) key: &'static str,
    /// What they do instead, as a sentence that goes on from the key.
    pub(crate) what: &'static str,
}

/// A vendor's section, as far as the rest need not know which vendor it is.
pub(crate) trait VendorSection {
    /// Reads the section, whatever is wrong with it. `None`, with a mistake told, where nothing can be
    /// made of it.
    fn read(reader: Reader<'_>) -> Option<Self>
    where
        Self: Sized;

    /// Whether the vendor is used.
    fn is_on(&self) -> bool;

    /// How much it may be asked; `None` for one that is never called.
    fn limits(&self) -> Option<&LimitsConfig> {
        None
    }

    /// Every address that would be called, by key; the one its calls go to is the first.
    fn addresses(&self) -> Vec<(&'static str, &Url)>;

    /// Whether it stands for the CRM.
    fn is_crm(&self) -> bool {
        false
    }

    /// What people do by hand because it is off; `None` for one that nothing is left undone without, and for
    /// one that is on.
    fn by_hand(&self) -> Option<ByHand> {
        None
    }

    /// How it tells who is expected and who has checked in, if it is one that can.
    fn tells_check_ins(&self) -> Option<TellsCheckIns> {
        None
    }

    /// Adds the mistakes that only show beside other sections.
    fn check(&self, _around: &Around<'_>, _mistakes: &Mistakes) {}

    /// What is missing or doesn't fit, though every value is valid.
    fn gaps(&self, _reach: Reach<'_>) -> Vec<Gap> {
        Vec::new()
    }

    /// Whether what lets us in is kept in the database.
    fn needs_store(&self) -> bool {
        false
    }
}

macro_rules! vendor_sections {
    ($($(#[$doc:meta])* $section:ident: $kind:ident,)*) => {
        /// Every vendor's section.
        #[derive(Debug, Clone)]
        pub struct VendorSections {
            $($(#[$doc])* pub $section: super::$section::$kind,)*
        }

        impl VendorSections {
            /// Reads all of them, whatever is wrong with one. `None`, with a mistake told, where one
            /// can't be made.
            pub(super) fn read(root: &mut Reader<'_>) -> Option<Self> {
                $(let $section = <super::$section::$kind as VendorSection>::read(root.section(stringify!($section)));)*
                Some(Self { $($section: $section?,)* })
            }

            /// Whether a CRM is on.
            pub fn have_crm(&self) -> bool {
                self.each().iter().any(|section| section.is_crm() && section.is_on())
            }

            /// Each of them, in the order of the file.
            pub(crate) fn each(&self) -> Vec<&dyn VendorSection> {
                vec![$(&self.$section,)*]
            }
        }

        /// Their commented examples.
        pub(super) const EXAMPLES: &[&str] = &[$(super::$section::EXAMPLE,)*];
        /// The crates of their adapters, as a filter of the log names them.
        pub(super) const CRATES: &[&str] = &[$(super::$section::CRATE,)*];
    };
}

vendor_sections! {
    /// The CRM.
    keap: KeapConfig,
    /// The client portal.
    clear_connection: ClearConnectionConfig,
    /// The clinic's own list of check-ins.
    check_ins: CheckInsConfig,
}
