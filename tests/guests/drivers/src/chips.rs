// The drivers that stand in this plugin, for the plugin and for its test: one table, `tests/system/drivers.rs` takes it
// from here. Each has the crate as it lies on crates.io, and the address at which it looks for its chip.

/// Hands the table to a macro.
macro_rules! chips {
    ($take:ident) => {
        $take! {
            sht4x "sht4x 0.2" 0x44,
            bme280 "bme280 0.5" 0x76,
            ads1115 "ads1x1x 0.3" 0x48,
            ina226 "ina226 0.3" 0x41,
            mcp23017 "port-expander 0.6" 0x20,
            pca9685 "pwm-pca9685 1.0" 0x43,
            eeprom "eeprom24x 0.7" 0x50,
            ds3231 "ds323x 0.7" 0x68,
            ssd1306 "ssd1306 0.10" 0x3c,
            lm75 "lm75 1.0" 0x49,
            shtc3 "shtcx 1.0" 0x70,
            scd40 "scd4x 0.5" 0x62,
            opt3001 "opt300x 1.0" 0x45,
        }
    };
}
