//! States and the like in one word.

use weihe_kernel::VersionChange;
use weihe_kernel::bus::Overflow;
use weihe_kernel::connection::LinkState;
use weihe_kernel::device::DeviceState;
use weihe_kernel::event::Quality;
use weihe_kernel::failsafe::SafeState;

use super::{Text, say};
use crate::system::{Act, Part};

/// What has a word in each language.
pub(crate) trait Word {
    /// The word.
    fn word(&self) -> Text;
}

/// One text a variant.
macro_rules! words {
    ($($kind:ident { $($variant:ident => $text:ident),* $(,)? })*) => {$(
        impl Word for $kind {
            fn word(&self) -> Text {
                match self {
                    $(Self::$variant => say::$text(),)*
                }
            }
        }
    )*};
}

words! {
    DeviceState {
        Starting => state_starting,
        Running => state_running,
        Waiting => state_waiting,
        Restarting => state_restarting,
        Failed => state_failed,
        Stopped => state_stopped,
    }
    LinkState { Up => link_up, Connecting => link_connecting, Down => link_down }
    SafeState {
        Armed => safe_armed,
        Applied => safe_applied,
        Applying => safe_applying,
        Pending => safe_pending,
        Failed => safe_failed,
    }
    VersionChange {
        Loaded => version_loaded,
        Swapped => version_swapped,
        Refused => version_refused,
        Returned => version_returned,
        Confirmed => version_confirmed,
    }
    Overflow {
        DropOldest => overflow_drop_oldest,
        LatestOnly => overflow_latest_only,
        Block => overflow_block,
    }
    Quality { Good => quality_good, Uncertain => quality_uncertain, Bad => quality_bad }
    Part {
        Plugin => part_plugin,
        Connection => part_connection,
        Device => part_device,
        Configuration => part_configuration,
        Control => part_control,
    }
    Act {
        Stop => act_stop,
        Unload => act_unload,
        Close => act_close,
        Open => act_open,
        Load => act_load,
        Swap => act_swap,
        Start => act_start,
    }
}
