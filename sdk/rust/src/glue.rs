//! What a component's exports do: turn WIT types into the SDK's and call the [`Runtime`].

use crate::bindings::codec::exports::weihe::plugin::codec;
use crate::bindings::commands::exports::weihe::plugin::commands;
use crate::bindings::events::exports::weihe::plugin::events;
use crate::bindings::events_batch::exports::weihe::plugin::events_batch;
use crate::bindings::handler::exports::weihe::connection::handler;
use crate::bindings::imports::weihe::connection::types as link;
use crate::bindings::imports::weihe::plugin::types;
use crate::bindings::lifecycle::exports::weihe::plugin::lifecycle;
use crate::bindings::state::exports::weihe::plugin::state;
use crate::runtime::{Runtime, Start};
use crate::{Codec, EventBuf, Peer, Plugin, Timestamp};
use std::marker::PhantomData;

/// Where a component keeps its one plugin; [`plugin!`](crate::plugin) makes it.
pub trait Slot: 'static {
    /// The plugin.
    type Plugin: Plugin;

    /// Hands over the instance. Never nested: the host does not re-enter a component.
    fn with<R>(use_it: impl FnOnce(&mut Runtime<Self::Plugin>) -> R) -> R;
}

/// The exports of a plugin that lives in `S`.
#[derive(Debug)]
pub struct Glue<S>(PhantomData<S>);

impl<S: Slot> lifecycle::Guest for Glue<S> {
    fn describe() -> lifecycle::Description {
        S::Plugin::describe().into()
    }

    fn start(context: lifecycle::StartContext) -> Result<(), types::Error> {
        #[cfg(target_arch = "wasm32")]
        crate::log::log_panics();
        let start = Start {
            device: context.device,
            config: context.config,
            connection: context.connection,
            incarnation: context.incarnation,
        };
        S::with(|runtime| runtime.start(start)).map_err(Into::into)
    }

    fn stop(reason: lifecycle::StopReason) {
        S::with(|runtime| runtime.stop(reason));
    }
}

impl<S: Slot> events::Guest for Glue<S> {
    fn handle(event: types::Event) -> Result<(), types::Error> {
        let event = EventBuf::from(event);
        S::with(|runtime| runtime.handle(&event)).map_err(Into::into)
    }
}

impl<S: Slot> events_batch::Guest for Glue<S> {
    fn handle_batch(batch: events_batch::Batch) -> Vec<(u32, types::Error)> {
        let errors = S::with(|runtime| runtime.handle_batch(&batch.head, &batch.bytes));
        errors
            .into_iter()
            .map(|(index, error)| (index, error.into()))
            .collect()
    }
}

impl<S: Slot> commands::Guest for Glue<S> {
    fn call(call: commands::Invocation) -> Result<commands::Outcome, types::CallError> {
        let deadline = Timestamp::from_nanos(call.deadline);
        let answer = S::with(|runtime| {
            runtime.call(
                call.id,
                &call.command,
                &call.arguments,
                &call.caller,
                deadline,
            )
        })?;
        Ok(answer.map_or(commands::Outcome::Pending, commands::Outcome::Done))
    }
}

impl<S: Slot> state::Guest for Glue<S> {
    fn export_state() -> state::Snapshot {
        let (version, bytes) = S::with(|runtime| runtime.export_state());
        state::Snapshot { version, bytes }
    }

    fn import_state(snapshot: state::Snapshot) -> Result<(), types::Error> {
        #[cfg(target_arch = "wasm32")]
        crate::log::log_panics();
        S::with(|runtime| runtime.import_state(snapshot.version, &snapshot.bytes))
            .map_err(Into::into)
    }
}

impl<S: Slot> handler::Guest for Glue<S> {
    fn replied(
        connection: String,
        ticket: link::Ticket,
        outcome: Result<link::Reply, link::Failure>,
    ) -> Result<(), types::Error> {
        let outcome = outcome.map(Into::into).map_err(Into::into);
        S::with(|runtime| runtime.replied(&connection, ticket, outcome)).map_err(Into::into)
    }

    fn received(
        connection: String,
        peer: Option<link::PeerId>,
        bytes: Vec<u8>,
        time: types::Timestamp,
    ) -> Result<(), types::Error> {
        let time = Timestamp::from_nanos(time);
        S::with(|runtime| runtime.received(&connection, peer, &bytes, time)).map_err(Into::into)
    }

    fn link_changed(
        connection: String,
        state: link::LinkState,
        reason: String,
    ) -> Result<(), types::Error> {
        S::with(|runtime| runtime.link_changed(&connection, state, &reason)).map_err(Into::into)
    }

    fn peer_changed(
        connection: String,
        peer: handler::Peer,
        connected: bool,
    ) -> Result<(), types::Error> {
        let peer = Peer {
            id: peer.id,
            address: &peer.address,
        };
        S::with(|runtime| runtime.peer_changed(&connection, peer, connected)).map_err(Into::into)
    }
}

/// The exports of a codec.
#[derive(Debug)]
pub struct CodecGlue<C>(PhantomData<C>);

impl<C: Codec + 'static> codec::Guest for CodecGlue<C> {
    fn decode(
        direction: codec::Direction,
        context: codec::Context,
        bytes: Vec<u8>,
    ) -> Result<codec::Decoded, codec::DecodeError> {
        C::decode(direction, &context, &bytes)
    }

    fn encode(request: String) -> Result<Vec<u8>, String> {
        C::encode(&request)
    }

    fn scan(
        direction: codec::Direction,
        context: codec::Context,
        bytes: Vec<u8>,
        idle: bool,
    ) -> codec::ScanResult {
        C::scan(direction, &context, &bytes, idle)
    }
}

/// Makes a component of a plugin: `weihe_sdk::plugin!(MyPlugin: events, commands, state)`.
///
/// Behind the colon stand the hooks that the component exports; the host calls no others:
///
/// | hook | what it calls |
/// |---|---|
/// | `events` | [`Plugin::on_events`], [`Plugin::on_event`], [`Plugin::on_timer`], [`Plugin::on_answer`] |
/// | `commands` | [`Plugin::on_command`] |
/// | `state` | [`Plugin::export_state`], [`Plugin::migrate`], and `restored` in [`Plugin::start`] |
/// | `connection` | [`Plugin::on_reply`], [`Plugin::on_received`], [`Plugin::on_link`], [`Plugin::on_peer`] |
/// | `codec` | the [`Codec`] that the type implements too; `codec = Frames` names another type |
///
/// On targets other than wasm32 it only checks the types, so that native tests of the crate link.
///
/// ```
/// use weihe_sdk::prelude::*;
///
/// pub struct Silent;
///
/// impl Plugin for Silent {
///     type Config = NoConfig;
///     type Command = NoCommand;
///     type State = NoState;
///
///     fn describe() -> Description {
///         Description::new("silent", "0.1.0", "Listens and says nothing")
///     }
///
///     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
///         ctx.subscribe("greenhouse/#")?;
///         Ok(Silent)
///     }
/// }
///
/// weihe_sdk::plugin!(Silent: events);
/// ```
#[macro_export]
macro_rules! plugin {
    ($plugin:ty $(: $($hook:ident $(= $type:ty)?),* $(,)?)?) => {
        const _: () = {
            const fn _is_a_plugin<P: $crate::Plugin>() {}
            _is_a_plugin::<$plugin>();

            #[cfg(target_arch = "wasm32")]
            struct __WeiheSlot;

            #[cfg(target_arch = "wasm32")]
            impl $crate::__private::Slot for __WeiheSlot {
                type Plugin = $plugin;

                fn with<R>(
                    use_it: impl FnOnce(&mut $crate::__private::Runtime<$plugin>) -> R,
                ) -> R {
                    ::std::thread_local! {
                        static INSTANCE: ::std::cell::RefCell<$crate::__private::Runtime<$plugin>> =
                            ::std::cell::RefCell::new($crate::__private::Runtime::new(
                                ::std::default::Default::default(),
                            ));
                    }
                    INSTANCE.with_borrow_mut(use_it)
                }
            }

            #[cfg(target_arch = "wasm32")]
            type __WeiheGlue = $crate::__private::Glue<__WeiheSlot>;

            $crate::__hook!(lifecycle);
            $($($crate::__hook!($hook, $plugin $(, $type)?);)*)?
        };
    };
}

/// One arm a hook.
#[doc(hidden)]
#[macro_export]
macro_rules! __hook {
    (lifecycle) => {
        $crate::__export!(lifecycle, __WeiheGlue);
    };
    (events, $plugin:ty) => {
        $crate::__export!(events, __WeiheGlue);
        $crate::__export!(events_batch, __WeiheGlue);
    };
    (commands, $plugin:ty) => {
        $crate::__export!(commands, __WeiheGlue);
    };
    (state, $plugin:ty) => {
        $crate::__export!(state, __WeiheGlue);
    };
    (connection, $plugin:ty) => {
        $crate::__export!(handler, __WeiheGlue);
    };
    (codec, $plugin:ty) => {
        $crate::__hook!(codec, $plugin, $plugin);
    };
    (codec, $plugin:ty, $codec:ty) => {
        const fn _is_a_codec<C: $crate::Codec>() {}
        const _: () = _is_a_codec::<$codec>();
        #[cfg(target_arch = "wasm32")]
        type __WeiheCodec = $crate::__private::CodecGlue<$codec>;
        $crate::__export!(codec, __WeiheCodec);
    };
    ($other:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "unknown hook `",
            ::core::stringify!($other),
            "`: expected events, commands, state, connection or codec",
        ));
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(target_arch = "wasm32")]
macro_rules! __export {
    ($module:ident, $glue:ident) => {
        $crate::__private::bindings::$module::export!($glue with_types_in $crate::__private::bindings::$module);
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(not(target_arch = "wasm32"))]
macro_rules! __export {
    ($module:ident, $glue:ident) => {};
}
