//! How the files know each other, and how much one type holds: what nobody sees in a single diff.
//!
//! Read from the sources with a parser. An import is a `use`, or a path that begins with `crate`, `super`
//! or `self`; a macro's inside is not seen, nor what stands under `#[cfg(test)]`. A call is a method of the
//! same type called on `self`, or by `Self::`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The folders and files of `src`, each of which may import those before it and none after it.
const ORDER: [&str; 20] = [
    "failpoint",
    "lifecycle",
    "settings",
    "remedy",
    "telemetry",
    "rate_limit",
    "receipts",
    "ports",
    "credentials",
    "effects",
    "engine",
    "self_check",
    "http",
    "config",
    "doctor",
    "wiring",
    "sandbox",
    "stage",
    "cli",
    "lib",
];

/// How many methods a type may have.
const MOST_METHODS: usize = 30;

/// Types that have more, how many at most, and why. None may grow.
const LARGE: [(&str, &str, usize, &str); 4] = [
    (
        "adapters/keap/src",
        "KeapClient",
        81,
        "one method an operation of the vendor, a file a subject; no method calls across files in a circle",
    ),
    (
        "core/src",
        "workflows::missed_check_in::run::MissedCheckInRun",
        123,
        "the moves of a procedure and its steps, a file a step",
    ),
    (
        "adapters/keap/src",
        "emulator::world::World",
        42,
        "a vendor's state as its routes change it",
    ),
    (
        "adapters/clear-connection/src",
        "emulator::portal::Portal",
        52,
        "a vendor's state as its routes change it",
    ),
];

const CRATES: [&str; 9] = [
    "src",
    "core/src",
    "adapters/check-ins/src",
    "adapters/clear-connection/src",
    "adapters/http-client/src",
    "adapters/keap/src",
    "adapters/store/src",
    "adapters/store-sqlite/src",
    "fuzz/src",
];

type Edges = BTreeMap<String, BTreeSet<String>>;

/// The parsed files of a crate, by module path (`engine::jobs`).
struct Tree(BTreeMap<String, syn::File>);

impl Tree {
    fn of(folder: &str) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files = BTreeMap::new();
        collect(&root, &root, &mut files);
        Self(files)
    }

    fn made(files: &[(&str, &str)]) -> Self {
        let parsed = files.iter().map(|(module, text)| {
            let file = syn::parse_file(text).expect("Rust");
            ((*module).to_owned(), file)
        });
        Self(parsed.collect())
    }

    /// Which module imports which. A child's way to its own parents counts only if `strict`: a parent
    /// with its children is one part of a library.
    fn imports(&self, strict: bool) -> Edges {
        let mut edges = Edges::new();
        for (module, file) in &self.0 {
            let mut found = Paths::default();
            found.visit_file(file);
            for path in found.0 {
                if let Some(to) = self.resolved(module, &path)
                    && to != *module
                    && (strict || !module.starts_with(&format!("{to}::")))
                {
                    edges.entry(module.clone()).or_default().insert(to);
                }
            }
        }
        edges
    }

    /// The module that a path of `from` leads to.
    fn resolved(&self, from: &str, path: &[String]) -> Option<String> {
        let mut base: Vec<&str> = from.split("::").collect();
        let rest = match path.first()?.as_str() {
            "crate" => {
                base.clear();
                &path[1..]
            }
            "self" => &path[1..],
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                base.truncate(base.len().saturating_sub(ups));
                &path[ups..]
            }
            // A module of its own: `mod parts; use parts::Engine;`.
            child if self.0.contains_key(&format!("{from}::{child}")) => path,
            _ => return None,
        };
        let mut whole: Vec<&str> = base;
        whole.extend(rest.iter().map(String::as_str));
        (1..=whole.len())
            .rev()
            .map(|length| whole[..length].join("::"))
            .find(|module| self.0.contains_key(module))
    }

    /// The methods of each type: name and module, and the calls among them from module to module.
    fn types(&self) -> BTreeMap<String, Methods> {
        let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (module, file) in &self.0 {
            for item in &file.items {
                let name = match item {
                    syn::Item::Struct(item) => &item.ident,
                    syn::Item::Enum(item) => &item.ident,
                    _ => continue,
                };
                let modules = defined.entry(name.to_string()).or_default();
                modules.push(module.clone());
            }
        }
        let mut types: BTreeMap<String, Methods> = BTreeMap::new();
        for (module, file) in &self.0 {
            for item in &file.items {
                let syn::Item::Impl(block) = item else {
                    continue;
                };
                let syn::Type::Path(path) = block.self_ty.as_ref() else {
                    continue;
                };
                let Some(name) = path.path.segments.last().map(|part| part.ident.to_string())
                else {
                    continue;
                };
                if block.trait_.is_some() || is_test(&block.attrs) {
                    continue;
                }
                let homes = defined.get(&name);
                let home =
                    homes.and_then(|homes| homes.iter().max_by_key(|home| shared(home, module)));
                let home = home.map_or(module.as_str(), String::as_str);
                let methods = types.entry(format!("{home}::{name}")).or_default();
                methods.add(module, block);
            }
        }
        types
    }
}

#[derive(Default)]
struct Methods {
    /// The modules that define a method of this name.
    defined: BTreeMap<String, BTreeSet<String>>,
    count: usize,
    /// From a module, the names that it calls.
    calls: BTreeMap<String, BTreeSet<String>>,
}

impl Methods {
    fn add(&mut self, module: &str, block: &syn::ItemImpl) {
        let mut calls = Calls::default();
        for item in &block.items {
            if let syn::ImplItem::Fn(method) = item {
                self.count += 1;
                let modules = self.defined.entry(method.sig.ident.to_string());
                modules.or_default().insert(module.to_owned());
                calls.visit_impl_item_fn(method);
            }
        }
        self.calls
            .entry(module.to_owned())
            .or_default()
            .extend(calls.0);
    }

    fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (from, names) in &self.calls {
            for to in names
                .iter()
                .filter_map(|name| self.defined.get(name))
                .flatten()
            {
                if to != from {
                    edges.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        edges
    }
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        let inner = attr.meta.require_list().map(|list| list.tokens.to_string());
        attr.path().is_ident("cfg") && inner.is_ok_and(|inner| inner == "test")
    })
}

/// How many leading parts two module paths share.
fn shared(one: &str, other: &str) -> usize {
    let pairs = one.split("::").zip(other.split("::"));
    pairs.take_while(|(one, other)| one == other).count()
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, syn::File>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root).expect("below the root");
            let name = name.with_extension("").to_string_lossy().replace('/', "::");
            let name = name.trim_end_matches("::mod").to_owned();
            let text = std::fs::read_to_string(&path).expect("a file");
            files.insert(name, syn::parse_file(&text).expect("Rust"));
        }
    }
}

/// The paths of a file that lead to modules.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl Paths {
    fn used(&mut self, tree: &syn::UseTree, before: &[String]) {
        let mut path = before.to_vec();
        match tree {
            syn::UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.used(&part.tree, &path);
            }
            syn::UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.0.push(path);
            }
            syn::UseTree::Rename(name) => {
                path.push(name.ident.to_string());
                self.0.push(path);
            }
            syn::UseTree::Glob(_) => self.0.push(path),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.used(tree, before);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.used(&item.tree, &[]);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        if parts.len() > 1 && matches!(parts[0].as_str(), "crate" | "super" | "self") {
            self.0.push(parts);
        }
        visit::visit_path(self, path);
    }
}

/// The methods that a method calls on its own type.
#[derive(Default)]
struct Calls(BTreeSet<String>);

impl<'ast> Visit<'ast> for Calls {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if let syn::Expr::Path(receiver) = call.receiver.as_ref()
            && receiver.path.is_ident("self")
        {
            self.0.insert(call.method.to_string());
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        if let [first, second] = parts.as_slice()
            && first == "Self"
        {
            self.0.insert(second.clone());
        }
        visit::visit_path(self, path);
    }
}

/// What can be reached from `from`.
fn reached<'a>(edges: &'a Edges, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(module) = left.pop() {
        for next in edges.get(module).into_iter().flatten() {
            if seen.insert(next.as_str()) {
                left.push(next);
            }
        }
    }
    seen
}

/// The circles of more than two files.
fn circles(edges: &Edges) -> BTreeSet<Vec<String>> {
    let all: BTreeMap<&str, BTreeSet<&str>> = edges
        .keys()
        .map(|from| (from.as_str(), reached(edges, from)))
        .collect();
    let circle = |from: &str| -> Vec<String> {
        let there = all[from].iter();
        let back = there.filter(|to| all.get(*to).is_some_and(|back| back.contains(from)));
        back.map(|module| (*module).to_owned()).collect()
    };
    let found = all.keys().map(|from| circle(from));
    found.filter(|circle| circle.len() > 2).collect()
}

/// Imports from a folder of `src` to one that stands above it.
fn upward(edges: &Edges) -> Vec<String> {
    let rank = |module: &str| {
        let top = module.split("::").next().unwrap_or(module);
        let place = ORDER.iter().position(|name| *name == top);
        place.unwrap_or_else(|| panic!("{top} is in no order: add it to `ORDER`"))
    };
    let pairs = edges
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
    pairs
        .filter(|(from, _)| *from != "main" && *from != "lib")
        .filter(|(from, to)| rank(from) < rank(to))
        .map(|(from, to)| format!("{from} imports {to}, which stands above it"))
        .collect()
}

fn too_large(folder: &str, types: &BTreeMap<String, Methods>) -> Vec<String> {
    let most = |name: &str| {
        let known = LARGE.iter().find(|(at, of, ..)| {
            *at == folder && (*of == name || name.ends_with(&format!("::{of}")))
        });
        known.map_or(MOST_METHODS, |(_, _, most, _)| *most)
    };
    types
        .iter()
        .filter(|(name, methods)| methods.count > most(name))
        .map(|(name, methods)| format!("{folder}: {name} has {} methods", methods.count))
        .collect()
}

#[test]
fn no_circle_of_imports_is_larger_than_two_files() {
    for folder in CRATES {
        let edges = Tree::of(folder).imports(folder == "src");
        assert_eq!(circles(&edges), BTreeSet::new(), "{folder}");
    }
}

#[test]
fn no_folder_of_src_imports_one_above_it() {
    let edges = Tree::of("src").imports(true);
    assert_eq!(upward(&edges), Vec::<String>::new());
}

#[test]
fn a_type_has_no_more_methods_than_one_can_hold_in_the_head() {
    for folder in CRATES {
        let types = Tree::of(folder).types();
        assert_eq!(too_large(folder, &types), Vec::<String>::new());
        for (name, methods) in types {
            assert_eq!(
                circles(&methods.edges()),
                BTreeSet::new(),
                "{folder}: {name}"
            );
        }
    }
    for (folder, name, most, _) in LARGE {
        let types = Tree::of(folder).types();
        let found = types.iter().find(|(known, _)| known.ends_with(name));
        let (_, methods) = found.unwrap_or_else(|| panic!("{name} is gone: so is its line"));
        assert!(methods.count > MOST_METHODS, "{name} needs no exception");
        assert!(
            methods.count + 10 > most,
            "{name} has shrunk: lower its bound"
        );
    }
}

#[test]
fn circles_upward_imports_and_large_types_are_found() {
    let circle = Tree::made(&[
        ("engine", "pub use parts::Engine; mod parts;"),
        (
            "engine::parts",
            "use crate::engine::items; pub struct Engine;",
        ),
        ("engine::items", "use super::finish::end; pub fn item() {}"),
        (
            "engine::finish",
            "pub fn end() { crate::engine::parts::item(); }",
        ),
        (
            "ports",
            "#[cfg(test)] mod tests { use crate::engine::items; }",
        ),
    ]);
    let edges = circle.imports(true);
    let found: Vec<_> = circles(&edges).into_iter().collect();
    assert_eq!(
        found,
        [["engine::finish", "engine::items", "engine::parts"]
            .map(str::to_owned)
            .to_vec()]
    );
    assert!(!edges.contains_key("ports"), "a test's import is no import");
    let pair = Tree::made(&[("a", "use crate::b::B;"), ("b", "use crate::a::A;")]);
    assert!(
        circles(&pair.imports(true)).is_empty(),
        "two files may know each other"
    );

    let up = Tree::made(&[
        ("ports", "use crate::engine::Engine;"),
        ("engine", "use crate::ports::Ports; pub struct Engine;"),
    ]);
    assert_eq!(upward(&up.imports(true)).len(), 1);

    let methods = "fn x(&self) {} ".repeat(MOST_METHODS + 1);
    let large = format!("pub struct Large; impl Large {{ {methods} }}");
    let types = Tree::made(&[("large", &large)]).types();
    assert_eq!(too_large("src", &types).len(), 1);

    let calls = Tree::made(&[
        (
            "run",
            "pub struct Run; impl Run { fn a(&self) { self.b() } }",
        ),
        ("run::one", "impl Run { fn b(&self) { Self::c() } }"),
        (
            "run::two",
            "impl Run { fn c() { Run.d(); } fn d(&self) { self.a() } }",
        ),
    ]);
    let types = calls.types();
    assert_eq!(types["run::Run"].count, 4);
    assert_eq!(circles(&types["run::Run"].edges()).len(), 1);
}
