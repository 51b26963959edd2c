//! The attributes of `weihe-sdk`, which re-exports them.

mod arguments;
mod function;

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use arguments::Arguments;
use function::Function;

/// Makes tests of a function that takes a [`Setup`](../weihe_sdk/testing/struct.Setup.html) of a plugin.
///
/// The test `native` runs the plugin's code natively, in milliseconds. With `sandbox` there is a second one of the
/// same body: it runs the built component in the kernel of the installed `weihe`. Both are named after the function:
///
/// ```text
/// test a_poll_becomes_a_reading::native ... ok
/// test a_poll_becomes_a_reading::sandbox ... ok
/// ```
///
/// ```
/// use weihe_sdk::prelude::*;
/// use weihe_sdk::testing::Setup;
/// # struct Lamp;
/// # impl Plugin for Lamp {
/// #     type Config = NoConfig;
/// #     type Command = NoCommand;
/// #     type State = NoState;
/// #     fn describe() -> Description { Description::new("lamp", "0.1.0", "Shines") }
/// #     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
/// #         ctx.publish("plugin/hall/shines", true)?;
/// #         Ok(Lamp)
/// #     }
/// # }
///
/// #[weihe_sdk::test]
/// fn a_lamp_shines_from_its_start(setup: Setup<Lamp>) -> Result<(), Error> {
///     let kernel = setup.device("hall").start("{}")?;
///     assert_eq!(kernel.last("plugin/hall/shines"), Some(ValueBuf::Boolean(true)));
///     Ok(())
/// }
/// ```
///
/// | in the parentheses | |
/// |---|---|
/// | nothing | only natively |
/// | `sandbox` | natively and in the sandbox |
/// | `sandbox = "only"` | only in the sandbox |
/// | `memory = "4 MiB"` and any other limit of `[device.NAME.limits]` | what the plugin may use in the sandbox: the test fails when it used more. A name with a dash is written as text: `"cpu-time" = "2 ms"` |
///
/// Tests in the sandbox exist where the crate's feature `sandbox` is on, and need `weihe-testing`:
///
/// ```toml
/// [features]
/// sandbox = []
///
/// [dev-dependencies]
/// weihe-testing = "0.1"
/// ```
///
/// What cannot be is said where it stands: a function that takes no setup, a budget without `sandbox`, a word that is
/// neither `sandbox` nor a limit with its most.
///
/// ```compile_fail
/// #[weihe_sdk::test]
/// fn it_takes_no_setup() {}
/// ```
///
/// ```compile_fail
/// # use weihe_sdk::{Plugin, testing::Setup};
/// #[weihe_sdk::test(memory = "4 MiB")]
/// fn a_budget_is_measured_in_the_sandbox<P: Plugin>(_: Setup<P>) {}
/// ```
///
/// Other attributes of the function (`#[should_panic]`) go to the tests.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let made = Arguments::read(arguments).and_then(|arguments| {
        let function = Function::read(item.clone())?;
        Ok(tests(&arguments, &function))
    });
    match made {
        Ok(tests) => [item_without_attributes(item), tests].into_iter().collect(),
        Err(error) => error.into_tokens(),
    }
}

/// What is wrong, and where.
struct Wrong {
    text: String,
    span: Span,
}

impl Wrong {
    fn new(text: impl Into<String>, span: Span) -> Self {
        Wrong {
            text: text.into(),
            span,
        }
    }

    /// `compile_error!("…");` at the place.
    fn into_tokens(self) -> TokenStream {
        let text = TokenTree::from(Literal::string(&self.text));
        let mut group = Group::new(Delimiter::Parenthesis, text.into());
        group.set_span(self.span);
        let mut bang = Punct::new('!', Spacing::Alone);
        bang.set_span(self.span);
        let mut end = Punct::new(';', Spacing::Alone);
        end.set_span(self.span);
        [
            TokenTree::from(Ident::new("compile_error", self.span)),
            bang.into(),
            group.into(),
            end.into(),
        ]
        .into_iter()
        .collect()
    }
}

/// The function without the attributes that went to the tests.
fn item_without_attributes(item: TokenStream) -> TokenStream {
    let (attributes, rest) = function::split_attributes(item);
    let documentation = attributes
        .into_iter()
        .filter(|attribute| !function::is_for_tests(attribute))
        .flat_map(|attribute| attribute.tokens);
    let only_in_tests: TokenStream = "#[cfg(test)]".parse().unwrap_or_default();
    only_in_tests
        .into_iter()
        .chain(documentation)
        .chain(rest)
        .collect()
}

/// The module with the tests.
fn tests(arguments: &Arguments, function: &Function) -> TokenStream {
    let name = &function.name;
    let attributes = &function.attributes;
    let mut text = String::new();
    if arguments.native {
        text.push_str(&format!(
            "#[test] {attributes} fn native() {{ ::weihe_sdk::testing::run::native(super::{name}); }}"
        ));
    }
    if arguments.sandbox {
        let budgets = arguments.budgets.join(", ");
        text.push_str(&format!(
            "#[cfg(feature = \"sandbox\")] #[test] {attributes} fn sandbox() {{ \
             ::weihe_testing::run(env!(\"CARGO_MANIFEST_DIR\"), &[{budgets}], super::{name}); }}"
        ));
    }
    // Where only the sandbox runs it and is off, nothing would use the function.
    let used = match arguments.native {
        true => String::new(),
        false => format!(
            "#[cfg(not(feature = \"sandbox\"))] #[allow(dead_code)] const _: () = {{ let _ = super::{name}; }};"
        ),
    };
    let module = format!("#[cfg(test)] mod {name} {{ {text} {used} }}");
    let tokens: TokenStream = module.parse().unwrap_or_default();
    // Errors (no crate `weihe_testing`, a body of the wrong type) are shown at the function's name.
    function::at(tokens, function.span)
}
