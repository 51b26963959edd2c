//! A component that has nothing to do with Weihe.

#[cfg(target_arch = "wasm32")]
mod guest {
    wit_bindgen::generate!({
        inline: "package test:other; world other { export run: func(); }",
    });

    struct Other;

    impl Guest for Other {
        fn run() {}
    }

    export!(Other);
}
