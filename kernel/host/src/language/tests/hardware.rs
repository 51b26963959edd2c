//! What is put together only when it is said: faults of grants, and why hardware cannot be used.

use std::sync::Arc;

use weihe_hal::HalError;
use weihe_hal::grant::Grant;
use weihe_hal::virtual_board::{Act, Setting, VirtualBoard};
use weihe_kernel::VirtualClock;

use crate::language::Language;
use crate::language::said::translate;

fn chinese(english: &str) -> Option<String> {
    translate(english, Language::Chinese)
}

#[test]
fn faults_of_a_grant_are_said_in_chinese_with_their_help() {
    for (grant, message, help) in [
        (
            "gpoi = {}",
            "hal 授权中没有键 `gpoi`",
            Some("可用的键：gpio, i2c, spi, uart, pwm, adc"),
        ),
        (
            "gpio = [\"gpio/A3\"]",
            "`gpio` 应为表，但现为 列表",
            Some("请写成 `gpio = { \"gpio/A3\" = \"output\" }`"),
        ),
        (
            "gpio = { led = \"out\" }",
            "引脚 `led`：必须是 `input`、`output` 或 `both`，却是 `out`",
            None,
        ),
        (
            "gpio = { led = { mode = \"output\", active = \"down\" } }",
            "引脚 `led` 的 `active` 必须是 `high` 或 `low`，却是 `down`",
            None,
        ),
        (
            "gpio = { led = { line = \"gpio/A3\" } }",
            "引脚 `led` 没有 `mode`",
            Some("请写成 `mode = \"input\"`，或者 `output`、`both`"),
        ),
        (
            "gpio = { led = { mode = \"output\", active-low = true } }",
            "引脚 `led` 中没有键 `active-low`",
            Some("可用的键：line, mode, active, safe"),
        ),
        (
            "gpio = { \"a+b\" = \"input\" }",
            "`a+b` 不能用作硬件的名称：它含有 `+`、`#` 或控制字符",
            None,
        ),
        (
            "i2c = { \"i2c/1\" = [0x88] }",
            "I2C 总线 `i2c/1` 上没有地址 0x88：地址从 0x08 到 0x77",
            Some("地址有 7 位；有些数据手册写的是左移一位后的值"),
        ),
        (
            "i2c = { \"i2c/1\" = [\"0x44\"] }",
            "I2C 总线 `i2c/1` 上的地址：必须是像 0x44 这样的数字，却是 `0x44`",
            None,
        ),
        (
            "i2c = { \"i2c/1\" = 68 }",
            "I2C 总线 `i2c/1` 的授权：必须是地址列表，或 `all`，却是 68",
            Some("请写成 `\"i2c/1\" = [0x44, 0x76]`"),
        ),
        (
            "spi = 3",
            "`spi` 应为名称列表，但现为 3",
            Some("请写成 `spi = [\"spi/0\"]`"),
        ),
        (
            "uart = { meter = { port = \"uart/1\" } }",
            "串口 `meter`：必须是名称，却是 表",
            None,
        ),
        (
            "pwm = { fan = { channel = \"pwm/0\", safe = true } }",
            "PWM 通道 `fan` 的 `safe` 必须是 `off` 或 `keep`，却是 true",
            None,
        ),
    ] {
        let fault = Grant::from_table(&toml::from_str(grant).unwrap()).unwrap_err();
        assert_eq!(
            chinese(&fault.message).as_deref(),
            Some(message),
            "{fault:?}"
        );
        let told = fault.help.map(|help| chinese(&help).unwrap_or(help));
        assert_eq!(told.as_deref(), help, "{grant}");
    }
}

#[test]
fn why_hardware_cannot_be_used_is_said_in_chinese() {
    let unknown = |kind, similar: &[&str]| {
        let error = HalError::Unknown {
            kind,
            name: "gpio/A9".to_owned(),
            similar: similar.iter().map(|&name| name.to_owned()).collect(),
        };
        error.to_string()
    };
    let taken = |name: &str, holder: &str| {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        HalError::Taken { name, holder }.to_string()
    };
    let long = HalError::TooLong {
        what: "bytes of a read",
        asked: 1 << 40,
        limit: 65_536,
    };
    for (english, told) in [
        (unknown("line", &[]), "没有引脚 `gpio/A9`"),
        (
            unknown("line", &["gpio/A0"]),
            "找不到 `gpio/A9`（引脚）；是不是 `gpio/A0`？",
        ),
        (
            unknown("I2C bus", &["gpio/A0", "gpio/A1"]),
            "找不到 `gpio/A9`（I2C 总线）；有 `gpio/A0`, `gpio/A1`",
        ),
        (
            taken("gpio/A3", "device `pump`"),
            "gpio/A3 已被占用：设备 `pump`",
        ),
        (
            taken("address 0x44 on i2c/1", "device `climate`"),
            "i2c/1 上的地址 0x44 已被占用：设备 `climate`",
        ),
        (
            taken("uart/1", "another program"),
            "uart/1 已被占用：另一个程序",
        ),
        (
            long.to_string(),
            "一次读取的字节数：1099511627776 超过了一次调用允许的 65536",
        ),
        (
            "line `led` is not granted to device `lamp`".to_owned(),
            "引脚 `led` 没有授权给设备 `lamp`",
        ),
        (
            "line `gpio/A4` is not granted to device `lamp`; granted are `gpio/A3`, `led`"
                .to_owned(),
            "引脚 `gpio/A4` 没有授权给设备 `lamp`；已授权的有 `gpio/A3`, `led`",
        ),
        (
            "line `led` is granted to device `lamp` as an input, not as an output".to_owned(),
            "引脚 `led` 只授权设备 `lamp` 作输入，不能作输出",
        ),
        (
            "address 0x03 on i2c/1 is not granted to device `greedy`".to_owned(),
            "i2c/1 上的地址 0x03 没有授权给设备 `greedy`",
        ),
    ] {
        assert_eq!(chinese(&english).as_deref(), Some(told), "{english}");
    }
}

#[test]
fn what_a_virtual_board_refuses_is_said_in_chinese() {
    let board = "[world]\nheat = 20.0\n[line.\"gpio/A0\"]\n[line.\"gpio/A1\"]\nkind = \"led\"\n\
                 [pwm.\"pwm/0\"]\n";
    let clock = Arc::new(VirtualClock::new(0));
    let board = VirtualBoard::parse(board, clock).unwrap();
    let name = |name: &str| name.to_owned();
    let set = |what: &str, value: Setting| Act::Set {
        name: name(what),
        value,
    };
    let fault = |what: &str, fault: &str| Act::Fault {
        name: name(what),
        fault: name(fault),
        times: None,
    };
    for (act, told) in [
        (
            Act::Press {
                name: name("gpio/A1"),
                for_ms: None,
            },
            "gpio/A1 不是按钮，只有按钮能按",
        ),
        (
            set("heta", Setting::Number(30.0)),
            "找不到 `heta`（引脚或环境值）；是不是 `heat`？",
        ),
        (
            set("heat", Setting::Text(name("warm"))),
            "环境值 `heat` 是数字",
        ),
        (
            set("gpio/A1", Setting::Boolean(true)),
            "不能从外面驱动 gpio/A1：它的另一端是 `led`",
        ),
        (
            Act::Turn {
                name: name("knob"),
                steps: 1,
            },
            "找不到 `knob`（编码器）",
        ),
        (
            fault("gpio/A0", "nack"),
            "gpio/A0（引脚）不会有故障 `nack`；可以有 stuck-high, stuck-low, broken, bouncing",
        ),
        (
            fault("pwm/0", "nack"),
            "pwm/0（PWM 通道）不会有故障 `nack`；可以有 unplugged",
        ),
    ] {
        let refused = board.act(&act).unwrap_err().to_string();
        assert_eq!(chinese(&refused).as_deref(), Some(told), "{refused}");
    }
}
