grants-unknown = 没有设备 `{ $device }`
grants-known = 现有的设备：{ $names }
grants-column-device = 设备
grants-column-kind = 种类
grants-column-what = 对象
grants-column-from = 出处
grants-always = 始终允许
