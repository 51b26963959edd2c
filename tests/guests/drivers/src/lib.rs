//! The plugin. An event on its topic `in` has each driver speak to its chip once; what comes of it is published under
//! the name of the chip: a value, or in words why there is none.

#[macro_use]
mod chips;

use std::cell::RefCell;
use std::fmt::Debug;

use ds323x::Rtcc as _;
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use embedded_hal_bus::i2c::RefCellDevice;
use shtcx::LowPower as _;
use ssd1306::prelude::*;
use weihe_sdk::hal::I2c;
use weihe_sdk::prelude::*;

struct Drivers {
    bus: I2c,
}

/// What a driver says, in words for people when it is an error: its own around those of the kernel.
fn said<T, E: Debug>(outcome: Result<T, E>) -> Result<T, String> {
    outcome.map_err(|error| format!("{error:?}"))
}

type Drive = fn(&Drivers, &mut Context) -> Result<f64, String>;

macro_rules! drivers {
    ($($chip:ident $crate_name:literal $address:literal,)*) => {
        /// Each with its chip's name.
        const DRIVERS: &[(&str, Drive)] = &[$((stringify!($chip), Drivers::$chip)),*];
    };
}

chips!(drivers);

impl Drivers {
    /// Degrees Celsius.
    fn sht4x(&self, ctx: &mut Context) -> Result<f64, String> {
        let mut sensor = sht4x::Sht4x::new(self.bus.clone());
        let measured = said(sensor.measure(sht4x::Precision::High, &mut ctx.delay()))?;
        Ok(measured.temperature_celsius().to_num())
    }

    /// Degrees Celsius.
    fn bme280(&self, ctx: &mut Context) -> Result<f64, String> {
        let mut sensor = bme280::i2c::BME280::new_primary(self.bus.clone());
        said(sensor.init(&mut ctx.delay()))?;
        Ok(said(sensor.measure(&mut ctx.delay()))?.temperature.into())
    }

    /// Counts at A0.
    fn ads1115(&self, ctx: &mut Context) -> Result<f64, String> {
        let address = ads1x1x::TargetAddr::default();
        let converter = ads1x1x::Ads1x1x::new_ads1115(self.bus.clone(), address);
        let converter = converter.into_continuous();
        let mut converter =
            converter.map_err(|ads1x1x::ModeChangeError::I2C(error, _)| error.to_string())?;
        said(converter.select_channel(ads1x1x::channel::SingleA0))?;
        // Two conversions, of 128 in a second.
        embedded_hal::delay::DelayNs::delay_ms(&mut ctx.delay(), 16);
        Ok(said(converter.read())?.into())
    }

    /// Millivolts, by a bus that is shared as on a microcontroller.
    fn ina226(&self, _: &mut Context) -> Result<f64, String> {
        let shared = RefCell::new(self.bus.clone());
        let mut meter = ina226::INA226::new(RefCellDevice::new(&shared), 0x41);
        said(meter.bus_voltage_millivolts())
    }

    /// Whether a pin that was set is set.
    fn mcp23017(&self, _: &mut Context) -> Result<f64, String> {
        let mut expander =
            port_expander::Mcp23x17::new_mcp23017(self.bus.clone(), false, false, false);
        let pins = expander.split();
        let mut pin = said(pins.gpa0.into_output())?;
        said(pin.set_high())?;
        Ok(f64::from(u8::from(said(pin.is_set_high())?)))
    }

    /// The channel that was set.
    fn pca9685(&self, _: &mut Context) -> Result<f64, String> {
        let address = pwm_pca9685::Address::from(0x43);
        let pwm = pwm_pca9685::Pca9685::new(self.bus.clone(), address);
        let mut pwm = pwm.map_err(|error| format!("{error:?}"))?;
        said(pwm.set_prescale(100))?;
        said(pwm.enable())?;
        said(pwm.set_channel_on_off(pwm_pca9685::Channel::C3, 0, 2047))?;
        Ok(3.0)
    }

    /// The byte that was written.
    fn eeprom(&self, ctx: &mut Context) -> Result<f64, String> {
        let address = eeprom24x::SlaveAddr::default();
        let mut memory = eeprom24x::Eeprom24x::new_24x256(self.bus.clone(), address);
        said(memory.write_byte(0x1234, 0xab))?;
        embedded_hal::delay::DelayNs::delay_ms(&mut ctx.delay(), 5);
        Ok(said(memory.read_byte(0x1234))?.into())
    }

    /// The year.
    fn ds3231(&self, _: &mut Context) -> Result<f64, String> {
        let mut clock = ds323x::Ds323x::new_ds3231(self.bus.clone());
        Ok(said(clock.year())?.into())
    }

    /// The width of the screen on which a frame was drawn.
    fn ssd1306(&self, _: &mut Context) -> Result<f64, String> {
        let interface = ssd1306::I2CDisplayInterface::new(self.bus.clone());
        let size = DisplaySize128x64;
        let display = ssd1306::Ssd1306::new(interface, size, DisplayRotation::Rotate0);
        let mut display = display.into_buffered_graphics_mode();
        said(display.init())?;
        let frame = Rectangle::new(Point::zero(), display.size());
        let stroke = PrimitiveStyle::with_stroke(BinaryColor::On, 1);
        said(frame.into_styled(stroke).draw(&mut display))?;
        said(display.flush())?;
        Ok(display.size().width.into())
    }

    /// Degrees Celsius.
    fn lm75(&self, _: &mut Context) -> Result<f64, String> {
        let address = lm75::Address::from((false, false, true));
        let mut sensor = lm75::Lm75::new(self.bus.clone(), address);
        Ok(said(sensor.read_temperature())?.into())
    }

    /// Degrees Celsius.
    fn shtc3(&self, ctx: &mut Context) -> Result<f64, String> {
        let mut sensor = shtcx::shtc3(self.bus.clone());
        said(sensor.wakeup(&mut ctx.delay()))?;
        let measured = said(sensor.measure(shtcx::PowerMode::NormalMode, &mut ctx.delay()))?;
        Ok(measured.temperature.as_degrees_celsius().into())
    }

    /// Carbon dioxide in parts per million.
    fn scd40(&self, ctx: &mut Context) -> Result<f64, String> {
        let mut sensor = scd4x::Scd4x::new(self.bus.clone(), ctx.delay());
        said(sensor.start_periodic_measurement())?;
        if !said(sensor.data_ready_status())? {
            return Err("nothing is measured yet".to_owned());
        }
        Ok(said(sensor.measurement())?.co2.into())
    }

    /// Lux.
    fn opt3001(&self, _: &mut Context) -> Result<f64, String> {
        let address = opt300x::SlaveAddr::Alternative(false, true);
        let sensor = opt300x::Opt300x::new_opt3001(self.bus.clone(), address);
        let sensor = sensor.into_continuous();
        let mut sensor =
            sensor.map_err(|opt300x::ModeChangeError::I2C(error, _)| error.to_string())?;
        Ok(said(sensor.read_lux())?.into())
    }
}

impl Plugin for Drivers {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new("drivers", "0.1.0", "Drivers of the embedded-hal ecosystem").standalone()
    }

    fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        let filter = format!("plugin/{}/in", ctx.device());
        ctx.subscribe(&filter)?;
        Ok(Drivers {
            bus: ctx.i2c("bus")?,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, _: Event<'_>) -> Result<(), Error> {
        for (chip, drive) in DRIVERS {
            let outcome = drive(self, ctx);
            let topic = ctx.own_topic(chip)?;
            match &outcome {
                Ok(value) => ctx.publish_on(topic, *value),
                Err(text) => {
                    ctx.publish_on(topic, Sample::new(text.as_str()).quality(Quality::Bad))
                }
            }
        }
        Ok(())
    }
}

weihe_sdk::plugin!(Drivers: events);
