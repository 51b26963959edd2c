//! Bindings generated from the WIT: imports once, each hook apart, since a plugin exports only those
//! it has.

#![allow(missing_docs)]

/// What the kernel itself serves.
pub mod imports {
    wasmtime::component::bindgen!({
        path: [
            "../../wit/deps/wasi-logging",
            "../../wit/deps/wasi-config",
            "../../wit/plugin",
            "../../wit/connection",
        ],
        inline: "
            package weihe:host;
            world imports {
                include weihe:plugin/imports@0.1.0;
                include weihe:connection/imports@0.1.0;
            }
        ",
        world: "weihe:host/imports",
        imports: {
            "weihe:connection/connections.[method]connection.transact": async | trappable,
            default: trappable,
        },
        with: {
            "weihe:connection/connections.connection": crate::connection::Seat,
        },
        require_store_data_send: true,
    });
}

macro_rules! hook {
    ($(#[$doc:meta])* $name:ident, $world:literal, $config:tt, { $($with:tt)* }) => {
        $(#[$doc])*
        pub mod $name {
            wasmtime::component::bindgen!({
                path: [
                    "../../wit/deps/wasi-logging",
                    "../../wit/deps/wasi-config",
                    "../../wit/plugin",
                    "../../wit/connection",
                ],
                world: $world,
                exports: $config,
                require_store_data_send: true,
                with: {
                    "weihe:plugin/types": super::imports::weihe::plugin::types,
                    $($with)*
                },
            });
        }
    };
}

hook!(
    /// Beginning and end.
    lifecycle, "weihe:plugin/lifecycle-hook", { default: async }, {}
);
hook!(
    /// Commands.
    commands, "weihe:plugin/commands-hook", { default: async }, {}
);
hook!(
    /// State.
    state, "weihe:plugin/state-hook", { default: async }, {}
);
hook!(
    /// Notices of connections.
    handler, "weihe:connection/handler-hook", { default: async },
    { "weihe:connection/types": super::imports::weihe::connection::types, }
);
hook!(
    /// The pure parser.
    codec, "weihe:plugin/codec-hook", {}, {}
);
