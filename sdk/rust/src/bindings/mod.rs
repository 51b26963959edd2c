//! What the WIT packages say, in Rust. Generated; the rest of the SDK gives it its shape.
//!
//! One module holds the imports and the types that all share; each hook has a module of its own,
//! so that a component exports only the hooks that its author lists.

#![allow(missing_docs, clippy::all)]

/// Imports that a plugin may use, and the types that its hooks share.
pub mod imports {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-logging",
            "../../wit/deps/wasi-config",
            "../../wit/deps/wasi-keyvalue",
            "../../wit/plugin",
            "../../wit/connection",
            "../../wit/store",
        ],
        inline: "
            package weihe:sdk;
            world imports {
                include weihe:plugin/imports@0.1.0;
                include weihe:connection/imports@0.1.0;
                include weihe:store/keyvalue-imports@0.1.0;
            }
        ",
        world: "imports",
        generate_all,
        additional_derives: [PartialEq],
        additional_derives_ignore: ["bucket", "connection"],
    });
}

/// SQL apart: its parameters are borrowed.
pub mod sql {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-keyvalue",
            "../../wit/store",
        ],
        world: "weihe:store/imports",
        ownership: Borrowing { duplicate_if_necessary: true },
        generate_all,
    });
}

/// Hardware apart: bytes that are written are borrowed.
pub mod hal {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-i2c",
            "../../wit/hal",
        ],
        world: "weihe:hal/imports",
        ownership: Borrowing { duplicate_if_necessary: true },
        generate_all,
    });
}

/// National cryptography apart: what is computed with is borrowed.
pub mod guomi {
    wit_bindgen::generate!({
        path: ["../../wit/guomi"],
        world: "weihe:guomi/imports",
        ownership: Borrowing { duplicate_if_necessary: true },
        generate_all,
    });
}

macro_rules! hook {
    ($module:ident, $world:literal $(, $interface:literal: $path:path)*) => {
        #[doc = concat!("The hook of `", $world, "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: [
                    "../../wit/deps/wasi-logging",
                    "../../wit/deps/wasi-config",
                    "../../wit/deps/wasi-keyvalue",
                    "../../wit/plugin",
                    "../../wit/connection",
                ],
                world: $world,
                with: {
                    "weihe:plugin/types@0.1.0": crate::bindings::imports::weihe::plugin::types,
                    $($interface: $path,)*
                },
                pub_export_macro: true,
                generate_all,
                additional_derives: [PartialEq],
            });
        }
    };
}

hook!(lifecycle, "weihe:plugin/lifecycle-hook");
hook!(events, "weihe:plugin/events-hook");
hook!(events_batch, "weihe:plugin/events-batch-hook");
hook!(commands, "weihe:plugin/commands-hook");
hook!(state, "weihe:plugin/state-hook");
hook!(codec, "weihe:plugin/codec-hook");
hook!(
    handler,
    "weihe:connection/handler-hook",
    "weihe:connection/types@0.1.0": crate::bindings::imports::weihe::connection::types
);
