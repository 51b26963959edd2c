//! A plugin that traps when it is asked what it is.

#[cfg(target_arch = "wasm32")]
mod guest {
    wit_bindgen::generate!({
        path: ["../../../wit/deps/wasi-logging", "../../../wit/deps/wasi-config", "../../../wit/plugin"],
        world: "weihe:plugin/lifecycle-hook",
        generate_all,
    });

    use exports::weihe::plugin::lifecycle::{Description, Error, Guest, StartContext, StopReason};

    struct Mute;

    impl Guest for Mute {
        fn describe() -> Description {
            core::arch::wasm32::unreachable()
        }

        fn start(_: StartContext) -> Result<(), Error> {
            Ok(())
        }

        fn stop(_: StopReason) {}
    }

    export!(Mute);
}
