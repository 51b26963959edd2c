//! A plugin of an interface that has the name of ours and another shape.

#[cfg(target_arch = "wasm32")]
mod guest {
    wit_bindgen::generate!({
        inline: "
            package weihe:plugin@0.1.0;
            interface lifecycle { start: func(); }
            world old { export lifecycle; }
        ",
    });

    use exports::weihe::plugin::lifecycle::Guest;

    struct Old;

    impl Guest for Old {
        fn start() {}
    }

    export!(Old);
}
