//! A plugin that imports what no host offers.

#[cfg(target_arch = "wasm32")]
mod guest {
    wit_bindgen::generate!({
        path: ["../../../wit/deps/wasi-logging", "../../../wit/deps/wasi-config", "../../../wit/plugin"],
        inline: "
            package test:fortune;
            interface teller { tell: func() -> string; }
            world fortune {
                import teller;
                export weihe:plugin/lifecycle@0.1.0;
            }
        ",
        world: "test:fortune/fortune",
        generate_all,
    });

    use exports::weihe::plugin::lifecycle::{
        ConnectionNeed, Description, Error, Guest, StartContext, StopReason,
    };

    struct Fortune;

    impl Guest for Fortune {
        fn describe() -> Description {
            Description {
                name: "fortune".into(),
                version: "0.1.0".into(),
                summary: String::new(),
                commands: Vec::new(),
                topics: Vec::new(),
                config_schema: String::new(),
                standalone: true,
                connection: ConnectionNeed::None,
            }
        }

        fn start(_: StartContext) -> Result<(), Error> {
            Err(Error::Fatal(test::fortune::teller::tell()))
        }

        fn stop(_: StopReason) {}
    }

    export!(Fortune);
}
