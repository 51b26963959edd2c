//! Pages of reference, made from the comments in `wit/`.

use std::collections::BTreeSet;
use std::fmt::Write;

use wit_parser::{
    Docs, Function, Handle, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner,
    World, WorldItem,
};

use crate::workspace;

/// Packages of our own, which get a page each, and those that they need.
const OWN: [&str; 5] = ["plugin", "connection", "store", "hal", "guomi"];
const NEEDED: [&str; 4] = [
    "deps/wasi-logging",
    "deps/wasi-config",
    "deps/wasi-keyvalue",
    "deps/wasi-i2c",
];

/// The pages: names of files, and their texts.
pub fn reference() -> Vec<(String, String)> {
    let resolve = packages();
    let pages = OWN.iter().map(|name| {
        let found = resolve.packages.iter();
        let (id, _) = found
            .map(|(id, package)| (id, &package.name))
            .find(|(_, package)| package.namespace == "weihe" && package.name == **name)
            .expect("our own package");
        (format!("{name}.md"), Page::of(&resolve, id))
    });
    pages.collect()
}

/// The interfaces that a world exports, which names packages of ours.
pub fn exports(world: &str) -> Vec<String> {
    let mut resolve = packages();
    let package = resolve.push_str("world.wit", world).expect("WIT");
    let worlds = resolve.packages[package].worlds.values();
    let exports = worlds.flat_map(|world| resolve.worlds[*world].exports.keys());
    exports.map(|key| resolve.name_world_key(key)).collect()
}

/// All packages in `wit/`.
fn packages() -> Resolve {
    let mut resolve = Resolve::default();
    for folder in NEEDED.iter().chain(&OWN) {
        let folder = workspace().join("wit").join(folder);
        resolve.push_dir(&folder).expect("a package of WIT");
    }
    resolve
}

/// A page that is being written.
struct Page<'r> {
    resolve: &'r Resolve,
    text: String,
}

impl<'r> Page<'r> {
    fn of(resolve: &'r Resolve, id: wit_parser::PackageId) -> String {
        let package = &resolve.packages[id];
        let mut page = Page {
            resolve,
            text: format!("# {}\n\n", package.name),
        };
        let _ = writeln!(
            page.text,
            "Made from the comments in `wit/{}`.\n",
            package.name.name
        );
        page.docs(&package.docs);
        let listed: Vec<_> = package.interfaces.keys().map(String::as_str).collect();
        for name in &listed {
            let _ = writeln!(page.text, "- [{name}](#{name})");
        }
        page.text.push('\n');
        for (name, id) in &package.interfaces {
            page.interface(name, &resolve.interfaces[*id]);
        }
        if !package.worlds.is_empty() {
            page.text.push_str("## Worlds\n\n");
        }
        for (name, id) in &package.worlds {
            page.world(name, &resolve.worlds[*id]);
        }
        // One newline at its end.
        page.text.truncate(page.text.trim_end().len());
        page.text.push('\n');
        page.text
    }

    fn docs(&mut self, docs: &Docs) {
        if let Some(text) = &docs.contents {
            // What stands in angle brackets is a part to fill in, and no HTML.
            let _ = writeln!(self.text, "{}\n", escaped(text.trim()));
        }
    }

    fn interface(&mut self, name: &str, interface: &Interface) {
        let _ = writeln!(self.text, "## {name} {{#{name}}}\n");
        self.docs(&interface.docs);
        for (of, id) in &interface.types {
            self.definition(name, of, *id);
        }
        for (of, function) in &interface.functions {
            if function.kind.resource().is_none() {
                let _ = writeln!(self.text, "### {of} {{#{name}-{of}}}\n");
                self.function(of, function);
            }
        }
    }

    fn function(&mut self, name: &str, function: &Function) {
        let _ = writeln!(
            self.text,
            "```wit\n{name}: {};\n```\n",
            self.signature(function)
        );
        self.links(function.parameter_and_result_types());
        self.docs(&function.docs);
    }

    fn signature(&self, function: &Function) -> String {
        let params = function.params.iter();
        // That of a method is its resource, which its place says.
        let params = params.filter(|param| param.name != "self");
        let params = params.map(|param| format!("{}: {}", param.name, self.name(param.ty)));
        let params: Vec<String> = params.collect();
        let result = function.result.map(|ty| format!(" -> {}", self.name(ty)));
        format!("func({}){}", params.join(", "), result.unwrap_or_default())
    }

    fn definition(&mut self, interface: &str, name: &str, id: TypeId) {
        let definition = &self.resolve.types[id];
        if matches!(definition.kind, TypeDefKind::Type(_)) && self.is_use(definition, name) {
            return;
        }
        let _ = writeln!(self.text, "### {name} {{#{interface}-{name}}}\n");
        let head = match &definition.kind {
            TypeDefKind::Record(_)
            | TypeDefKind::Variant(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Flags(_)
            | TypeDefKind::Resource => format!("*{}*", definition.kind.as_str()),
            kind => format!("`type {name} = {}`", self.kind(kind)),
        };
        let _ = writeln!(self.text, "{head}\n");
        self.docs(&definition.docs);
        let rows: Vec<(String, String, &Docs)> = match &definition.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                fields
                    .map(|field| (field.name.clone(), self.name(field.ty), &field.docs))
                    .collect()
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                cases
                    .map(|case| {
                        let carries = case.ty.map(|ty| self.name(ty)).unwrap_or_default();
                        (case.name.clone(), carries, &case.docs)
                    })
                    .collect()
            }
            TypeDefKind::Enum(cases) => {
                let cases = cases.cases.iter();
                cases
                    .map(|case| (case.name.clone(), String::new(), &case.docs))
                    .collect()
            }
            TypeDefKind::Flags(flags) => {
                let flags = flags.flags.iter();
                flags
                    .map(|flag| (flag.name.clone(), String::new(), &flag.docs))
                    .collect()
            }
            _ => Vec::new(),
        };
        if !rows.is_empty() {
            self.text.push_str("| | | |\n|---|---|---|\n");
            for (name, carries, docs) in rows {
                let docs = docs.contents.as_deref().unwrap_or_default();
                let docs = escaped(&docs.split_whitespace().collect::<Vec<_>>().join(" "));
                let carries = match carries.is_empty() {
                    true => carries,
                    false => format!("`{carries}`"),
                };
                let _ = writeln!(
                    self.text,
                    "| `{name}` | {carries} | {} |",
                    docs.replace('|', "\\|")
                );
            }
            self.text.push('\n');
        }
        let members = self.members(definition);
        self.links(members);
        if matches!(definition.kind, TypeDefKind::Resource) {
            self.methods(interface, name, id);
        }
    }

    fn methods(&mut self, interface: &str, resource: &str, id: TypeId) {
        let TypeOwner::Interface(owner) = self.resolve.types[id].owner else {
            return;
        };
        let functions = self.resolve.interfaces[owner].functions.values();
        for function in functions.filter(|function| function.kind.resource() == Some(id)) {
            let name = function.item_name();
            let _ = writeln!(
                self.text,
                "#### {resource}.{name} {{#{interface}-{resource}-{name}}}\n"
            );
            self.function(name, function);
        }
    }

    /// Whether a type only brings one of another interface here, under the same name.
    fn is_use(&self, definition: &TypeDef, name: &str) -> bool {
        match definition.kind {
            TypeDefKind::Type(Type::Id(other)) => {
                let other = &self.resolve.types[other];
                other.name.as_deref() == Some(name) && other.owner != definition.owner
            }
            _ => false,
        }
    }

    fn members(&self, definition: &TypeDef) -> Vec<Type> {
        match &definition.kind {
            TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                cases.filter_map(|case| case.ty).collect()
            }
            TypeDefKind::Type(ty) | TypeDefKind::List(ty) | TypeDefKind::Option(ty) => vec![*ty],
            _ => Vec::new(),
        }
    }

    /// Where the types that were named are explained.
    fn links(&mut self, types: impl IntoIterator<Item = Type>) {
        let mut found = BTreeSet::new();
        for ty in types {
            self.named(ty, &mut found);
        }
        if !found.is_empty() {
            let found: Vec<String> = found.into_iter().collect();
            let _ = writeln!(self.text, "See {}.\n", found.join(", "));
        }
    }

    /// The types with names within a type, as links.
    fn named(&self, ty: Type, found: &mut BTreeSet<String>) {
        let Type::Id(id) = ty else { return };
        let definition = &self.resolve.types[id];
        if let (Some(name), TypeOwner::Interface(owner)) = (&definition.name, definition.owner) {
            if let TypeDefKind::Type(other) = definition.kind
                && self.is_use(definition, name)
            {
                return self.named(other, found);
            }
            let interface = &self.resolve.interfaces[owner];
            let package = interface.package.map(|id| &self.resolve.packages[id].name);
            let (Some(package), Some(within)) = (package, &interface.name) else {
                return;
            };
            if package.namespace == "weihe" {
                let page = format!("{}.md", package.name);
                found.insert(format!("[{name}]({page}#{within}-{name})"));
            }
            return;
        }
        match &definition.kind {
            TypeDefKind::List(ty) | TypeDefKind::Option(ty) => self.named(*ty, found),
            TypeDefKind::Result(result) => {
                let both = result.ok.into_iter().chain(result.err);
                both.for_each(|ty| self.named(ty, found));
            }
            TypeDefKind::Tuple(tuple) => tuple.types.iter().for_each(|ty| self.named(*ty, found)),
            TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => {
                self.named(Type::Id(*id), found);
            }
            _ => {}
        }
    }

    /// A type as WIT writes it.
    fn name(&self, ty: Type) -> String {
        match ty {
            Type::Bool => "bool".to_owned(),
            Type::U8 => "u8".to_owned(),
            Type::U16 => "u16".to_owned(),
            Type::U32 => "u32".to_owned(),
            Type::U64 => "u64".to_owned(),
            Type::S8 => "s8".to_owned(),
            Type::S16 => "s16".to_owned(),
            Type::S32 => "s32".to_owned(),
            Type::S64 => "s64".to_owned(),
            Type::F32 => "f32".to_owned(),
            Type::F64 => "f64".to_owned(),
            Type::Char => "char".to_owned(),
            Type::String => "string".to_owned(),
            Type::ErrorContext => "error-context".to_owned(),
            Type::Id(id) => {
                let definition = &self.resolve.types[id];
                match &definition.name {
                    Some(name) => name.clone(),
                    None => self.kind(&definition.kind),
                }
            }
        }
    }

    fn kind(&self, kind: &TypeDefKind) -> String {
        let part = |ty: &Option<Type>| ty.map_or("_".to_owned(), |ty| self.name(ty));
        match kind {
            TypeDefKind::List(ty) => format!("list<{}>", self.name(*ty)),
            TypeDefKind::Option(ty) => format!("option<{}>", self.name(*ty)),
            TypeDefKind::Type(ty) => self.name(*ty),
            TypeDefKind::Result(result) => match (&result.ok, &result.err) {
                (None, None) => "result".to_owned(),
                (Some(ok), None) => format!("result<{}>", self.name(*ok)),
                (ok, err) => format!("result<{}, {}>", part(ok), part(err)),
            },
            TypeDefKind::Tuple(tuple) => {
                let types: Vec<String> = tuple.types.iter().map(|ty| self.name(*ty)).collect();
                format!("tuple<{}>", types.join(", "))
            }
            TypeDefKind::Handle(Handle::Borrow(id)) => {
                format!("borrow<{}>", self.name(Type::Id(*id)))
            }
            TypeDefKind::Handle(Handle::Own(id)) => self.name(Type::Id(*id)),
            // None of our interfaces has another one; whoever adds it sees it here.
            other => panic!("the reference cannot write a {}", other.as_str()),
        }
    }

    fn world(&mut self, name: &str, world: &World) {
        let _ = writeln!(self.text, "### {name} {{#world-{name}}}\n");
        self.docs(&world.docs);
        for (verb, items) in [("import", &world.imports), ("export", &world.exports)] {
            let mut lines = Vec::new();
            for (key, item) in items {
                if matches!(item, WorldItem::Interface { .. }) {
                    lines.push(format!("{verb} {};", self.resolve.name_world_key(key)));
                }
            }
            if !lines.is_empty() {
                let _ = writeln!(self.text, "```wit\n{}\n```\n", lines.join("\n"));
            }
        }
    }
}

/// Comments are plain text with backticks: outside of those, nothing is HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for (at, piece) in text.split('`').enumerate() {
        if at > 0 {
            escaped.push('`');
        }
        match at % 2 {
            0 => escaped.push_str(&piece.replace('<', "&lt;")),
            _ => escaped.push_str(piece),
        }
    }
    escaped
}
