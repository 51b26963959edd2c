# 命令行帮助的中文。英文在代码的注释里；键是命令和参数的路径，见 language/help.rs。

# clap 自己的用语
help-frame-help-command = 显示本说明，或所给子命令的帮助
help-frame-help-more = 显示帮助（`--help` 更详细）
help-frame-help-less = 显示帮助（`-h` 更简短）
help-frame-help = 显示帮助
help-frame-version = 显示版本
help-frame-usage = 用法：
help-frame-commands = 命令：
help-frame-arguments = 参数：
help-frame-options = 选项：
help-frame-values = 可选值：
help-frame-default = [默认：
help-frame-env = [环境变量：
help-frame-possible = [可选值：
help-frame-more = 详细说明见 `--help`。
help-frame-examples = 示例：
help-frame-tip = 提示：

help = 微核 Weihe：把一个 .wasm 放进目录，它就是驱动
help--json = 输出 JSON，供程序读取
help--system = 系统目录，内有 weihe.toml [默认：向上最近的一个]
help--remote-host = 通过 TLS 与这个地址的主机通话，而不是本机某个目录的主机
help--remote-certificate = 配合 --connect：你的证书（PEM）
help--remote-key = 配合 --connect：证书的密钥（PEM）
help--remote-trust = 配合 --connect：主机所属证书机构的证书（PEM）
help--remote-name = 配合 --connect：主机证书里的名称 [默认：地址里的名称]
help--remote-suites = 配合 --connect：算法，guomi 或 standard
help--colour = 使用颜色：auto（终端支持时）、always（总是）或 never（从不）

help-run = 运行 DIR 中的系统，直到 Ctrl-C 或 SIGTERM
help-run--directory = 系统目录
help-run--log = 日志级别：error、warn、info、debug、trace，或 info,weihe_link=debug 这样的过滤式
help-run--no_build = 组件照原样使用，不从源码编译
help-run--cipher_suites = 使用 TLS 的门只接受这些密码套件，例如 TLS_SM4_GCM_SM3

help-dev = 运行 DIR 中的系统；插件源码每次保存后，重新编译并换上
help-dev--directory = 系统目录
help-dev--log = 日志级别：error、warn、info、debug、trace，或 info,weihe_link=debug 这样的过滤式
help-dev-after =
    示例：
      weihe dev .
      weihe dev examples/greenhouse

    监视的是 weihe.toml 里写明源码（插件的 `source`）的 crate，以及它们按路径依赖的 crate。
    编译不过则一切照旧：原来的版本继续运行。

help-new = 新建一个插件的 crate，附带测试和用来试运行的系统
help-new--name = 名称：小写字母、数字、`-` 和 `_`；crate 建在同名目录里，位于 --dir 之下 [默认：当前目录]
help-new--template = 做成什么
help-new--template--driver = 与连接对话：轮询、解码、发布，并接受命令
help-new--template--codec = 以纯函数拆解协议的帧
help-new--template--sensor = 用 I2C 上的芯片测量，驱动取自 embedded-hal 生态的 crate
help-new--template--rule = 观察事件，发布由此得出的结论，状态可保留
help-new--template--sink = 把事件存为数据表的行
help-new-after =
    示例：
      weihe new oven
      weihe new overflow --template rule --dir plugins     （建在 plugins/overflow）

help-build = 把插件的 crate 编译成组件，或编译 weihe.toml 里以源码写明的全部插件
help-build-long =
    显示大小、钩子和导入，以及 weihe.toml 里要为它写的设备。

    其他编译器产生的核心模块（用 C 写成，链接了其 world 的绑定）也可以变成组件：指明该文件。
help-build--directory = crate 的目录、系统目录，或核心模块 [默认：当前目录]
help-build--output = 组件放到哪里：以 .wasm 结尾的文件，或目录 [默认：旁边的 weihe.toml 取用它的位置，否则为 target 目录]
help-build--adapt = 为核心模块的导入提供适配器：文件 NAME.wasm，或 NAME=FILE（WASI preview 1 的适配器已自带）
help-build-after =
    示例：
      weihe build plugins/modbus -o system/plugins/modbus.wasm
      weihe build examples/greenhouse     （weihe.toml 里带 `source` 的每个插件）
      weihe build counter.wasm -o plugins/           （核心模块，变成组件）

help-wit = 写出插件可以导入和导出的 WIT 包，供编辑器和各种语言的绑定生成器使用
help-wit--to = 目录；每个包在其中有自己的子目录，已有的文件会被覆盖
help-wit-after =
    示例：
      weihe wit                          （写到 wit/deps，工具会在那里找）
      weihe wit /tmp/weihe-wit

help-check = 检查配置和插件，不启动任何东西
help-check-long =
    读取 weihe.toml，按现状加载插件，检查连接、授权、数据目录，以及每个设备的配置是否符合其插件的
    schema。`weihe run` 没有理由拒绝任何部分时，退出码为 0：尚待编译的插件和警告不算。

    只有启动时才看得出来的：插件自己拒绝的内容（schema 没有描述的值；配置里写了、却没有授权的主题和设备，
    而 schema 没有说明那是主题或设备），被其他程序占用的端口和地址，打不开的数据库。
help-check--directory = 系统目录

help-inspect = 显示组件是什么、导入和导出什么、需要什么
help-inspect--file = 组件，或当前系统中插件的名称

help-decode = 用插件的编解码器拆解一帧
help-decode--file = 组件，或当前系统中插件的名称
help-decode--reply = 这一帧是对请求的应答
help-decode--unsolicited = 这一帧由服务端主动发来
help-decode--request = 这一帧所应答的请求；隐含 --reply
help-decode--options = 协议的选项

help-encode = 用插件的编解码器生成请求
help-encode--file = 组件，或当前系统中插件的名称
help-encode--request = 编解码器所接受的请求：JSON 对象，或“键=值”；`-` 表示读标准输入

help-ps = 显示运行中主机的插件、连接和设备
help-ps--device = 完整显示这个设备：限额的使用、延迟、最近的错误
help-ps--history = 显示每个插件各版本的去向和原因

help-top = 实时查看运行中主机的设备和连接
help-top--interval = 多久看一次
help-top--once = 只输出一屏，从两次查看得出
help-top-after =
    按键：
      q 退出   ↑ ↓ 或 j k 选择   Enter 查看详情和返回   s 排序   p 暂停

    示例：
      weihe top
      weihe top --interval 5s
      weihe top --once > frame.txt

help-board = 实时查看运行中主机的板子；在虚拟板上按、拨、设定、弄坏
help-board--interval = 多久看一次
help-board--once = 只以文本输出一次
help-board-after =
    按键：
      q 退出   ↑ ↓ 或 j k 选择   空格 按下、拨动   b 弄坏   m 修好   + - 或 = 数字 Enter 设定数值

    示例：
      weihe board
      weihe board --once
      weihe board press start --for 50ms
      weihe board set temperature 35.5
      weihe board fault i2c/1@0x44 nack
      weihe board mend
help-board-press = 按下按钮，过一段时间后松开
help-board-press--name = 它的引脚
help-board-press--span = 按多久 [默认：直到松开]
help-board-release = 松开按钮
help-board-release--name = 它的引脚
help-board-set = 设定环境的一个值，拨动开关，或从外面驱动引脚
help-board-set--name = 环境的值，或引脚
help-board-set--value = 数字；on、off、high、low 或 open
help-board-turn = 转动旋转编码器
help-board-turn--name = 编码器
help-board-turn--steps = 多少步；正数为顺时针
help-board-fault = 弄坏某个部分：引脚、器件、总线、串口
help-board-fault--name = 引脚、芯片、总线、器件（`i2c/1@0x44`）、串口、通道
help-board-fault--fault = 出什么毛病：nack、timeout、stuck、broken、unplugged……
help-board-fault--times = 出现多少次 [默认：直到修好]
help-board-mend = 修好某个部分，或全部
help-board-mend--name = 哪一个 [默认：全部]

help-events = 跟踪总线上的事件
help-events--filter = 主题或过滤式：`+` 代表一级，`#` 代表以下各级 [默认：除 `$…` 外的全部]
help-events--count = 收到这么多事件后结束
help-events--retained = 先给出每个主题的最近值

help-get = 显示一个主题的最近值，或所有匹配主题的最近值
help-get--filter = 主题，或带 `+`、`#` 的过滤式

help-set = 以操作员身份在主题上发布一个值
help-set--topic = 主题；以 `$` 开头的归内核自用
help-set--value = JSON（数字、true、false、null、\"文本\"、文档），否则按文本

help-call = 调用设备的命令并显示其应答；不写命令则列出设备的命令
help-call--device = 设备
help-call--command = 命令，由插件描述
help-call--timeout = 等待应答多久，以秒计

help-logs = 显示运行中主机的日志
help-logs--follow = 接着显示此后的日志
help-logs--device = 只看这个设备的日志
help-logs--lines = 过去的日志最多这么多行

help-swap = 让一个插件的所有设备不间断地换上另一个版本
help-swap--plugin = 插件，名称见 `weihe ps`
help-swap--file = 组件
help-swap--lift = 即使曾被回退，也运行它
help-swap-after =
    状态、队列、定时器和连接随之移交。有设备拒绝新版本时，所有设备继续用旧版本；
    新版本在试运行期间崩溃时，自动换回旧版本。

    示例：
      weihe swap modbus target/wasm32-wasip2/release/modbus.wasm

help-rollback = 回到插件之前运行的版本
help-rollback--plugin = 插件
help-rollback-after =
    被换下的版本此后会被拒绝；`weihe swap PLUGIN FILE --lift` 可重新启用它。

    示例：
      weihe rollback modbus

help-load = 加载插件并启动其设备
help-load--file = 组件
help-load--name = 插件名称 [默认：取自文件名]
help-load--lift = 即使曾被回退，也加载它
help-load-after =
    启动的是 weihe.toml 里属于它的设备；没有时，若它无需配置即可运行，则启动一个同名设备。
    除非文件在 plugins/ 里，主机结束后不再记得它。

    示例：
      weihe load plugins/rule-hysteresis.wasm

help-unload = 停止插件的设备并卸载插件
help-unload--plugin = 插件

help-restart = 有序地停止一个设备，再重新启动
help-restart--device = 设备
help-restart-after =
    已失效的设备会重新启动，在此之前其输出处于安全值。

    示例：
      weihe restart soil

help-plan = 显示运行中的主机对改动后的 weihe.toml 或插件目录会怎么做
help-plan-long =
    除非设置 `[host] watch = "off"`，主机会自行跟随 weihe.toml 和 plugins/ 的变化：把将要成为
    weihe.toml 的文件交给本命令，就能在放进去之前看到它会改变什么。
help-plan--file = 将要成为 weihe.toml 的文件 [默认：现有的 weihe.toml]

help-reload = 让运行中的主机立即查看 weihe.toml 和插件目录
help-reload-long = 只动有变化的部分；有错误的 weihe.toml 不改变任何东西。

help-dead = 列出、重投或丢弃设备未能处理的输入
help-dead-list = 显示留存的死信：输入、原因、已有多久
help-dead-list--device = 只看这个设备的
help-dead-retry = 把事件重新投给设备，排在等候者之后
help-dead-retry--device = 设备
help-dead-retry--ids = 编号，见 `weihe dead list`
help-dead-retry--all = 该设备的全部
help-dead-drop = 永久丢弃输入
help-dead-drop--device = 设备
help-dead-drop--ids = 编号，见 `weihe dead list`
help-dead-drop--all = 该设备的全部

help-audit = 显示谁做了什么，或检查记录是否被改动
help-audit--directory = 系统目录，或存放审计记录文件的目录
help-audit--since = 不早于：多久以前（1h 30m），或日期和时间（2026-11-26 14:03:07，UTC）
help-audit--action = 只看这种操作：call、swap、denied……
help-audit--target = 只看对它做的：device/soil，或 soil
help-audit--actor = 只看它做的：operator、uid:1000、remote、certificate:panel、host，或某个设备
help-audit--lines = 过去的记录最多这么多条
help-audit--follow = 接着显示此后的记录
help-audit--verify = 检查所有文件的哈希链
help-audit--head = 检查具有此哈希的记录是否在链中

help-grants = 显示每个设备可以碰什么，以及 weihe.toml 的哪一行这样写
help-grants--device = 只看这个设备

help-doctor = 检查这台机器：什么能用，什么不能用，为什么
help-doctor-long =
    说明这是哪块板子，有哪些 GPIO 引脚、串口、I2C 和 SPI 总线、PWM 输出和模拟输入，以及授权给插件时所用的名称。
    不打开任何设备。

    --root 查看一份板子的 /proc、/sys、/dev 和 /etc 的副本，使别处的工程师也能看到有什么；做法见
    docs/boards.md。
help-doctor--root = /proc、/sys、/dev 和 /etc 在哪里
help-doctor--board = 试用一个板级文件

help-sandbox = 为测试运行一个组件，测试以逐行的 JSON 与它对话
help-sandbox-long =
    对话经标准输入和标准输出。

    内核、限额、授权和数据库与运行中的主机相同；时钟只在测试拨动时才走，连接通向测试。Rust 测试通过
    `#[weihe_sdk::test(sandbox)]` 使用它；每种行见 docs/testing.md。
help-sandbox--file = 组件
help-sandbox--cache = 编译好的组件保存在哪里 [默认：与用户的其他缓存一起]

help-schema = 输出 weihe.toml 的 JSON Schema，包括系统中的插件对其配置的说明
help-schema-long =
    编辑器据此补全和检查 weihe.toml：加 --write 时，它写到 weihe.toml 旁的 weihe.schema.json，并由
    weihe.toml 的第一行指明。没有指明系统、附近也没有时，输出通用的 schema。
help-schema--directory = 系统目录
help-schema--write = 写到系统的 weihe.toml 旁边，并说明用哪一行指明它
help-schema-after =
    示例：
      weihe schema > weihe.schema.json
      weihe schema examples/greenhouse --write

    Taplo、Even Better TOML（VS Code）和 Tombi 靠这一行找到它：
      #:schema ./weihe.schema.json

help-completions = 输出让 shell 补全 weihe 命令的脚本
help-completions-long =
    补全命令、选项及其值、文件，以及当前系统里有的东西：插件；主机运行时还有设备、设备的命令和主题。
help-completions--shell = 哪种 shell
help-completions-after =
    示例：
      source <(weihe completions bash)                                  写进 ~/.bashrc
      weihe completions zsh > ~/.zfunc/_weihe                           $fpath 中的一个目录
      weihe completions fish > ~/.config/fish/completions/weihe.fish

help-man = 把手册页写到一个目录，每个命令一页
help-man-long =
    `man -l weihe-run.1` 显示其中一页；放在手册路径（`manpath`）的 `man1` 目录里，就可以用 `man weihe-run`。
    中文手册放在其下的 `zh_CN/man1`。
help-man--folder = 目录，没有时会建立

help-bench = 用临时目录里的内核测量这台机器
help-bench-swap = 事件不断时的版本替换、丢弃、重启，以及其他通道受到的影响
help-bench-swap--file = 收到事件就发布的组件 [默认：内置的一个小组件]
help-bench-swap--config = 其设备的配置
help-bench-swap--input = 向其设备发送整数的主题
help-bench-swap--rate = 版本替换期间每秒的事件数
help-bench-swap--quick = 少取样本：只看能否工作，不看快慢
help-bench-swap-after =
    大约需要一分钟。只比较同一次运行的数字；繁忙的机器，或未经优化编译的主机，测不出什么。

    示例：
      weihe bench swap
      weihe bench swap relay.wasm --config '{"{"}"input":"bench/in","above":0{"}"}'
help-decode--hex = 十六进制字节，可带空格、冒号和 0x；`-` 表示读标准输入
help-call--arguments = JSON 对象，或“键=值”

help-key = 生成、列出、使用和销毁密钥
help-key-after =
    示例：
      weihe key new gateway
      weihe key csr gateway --subject CN=gateway,O=Plant --dns gateway.plant
      weihe key certificate gateway gateway.pem
      weihe key new meter --algorithm sm4 --use encrypt,decrypt
      weihe key export gateway --public
      weihe key rotate meter
      weihe key destroy meter@1

    名称表示正在使用的版本；`valve@1` 表示版本 1。需要口令时会询问，除非 WEIHE_KEY_PASSPHRASE 里有，
    或在 [keys] 里用 `passphrase-file` 指明了文件。WEIHE_KEYSTORE 指明另一个目录，优先于 [keys]。
help-key-new = 生成密钥；还没有密钥库时，先建立密钥库
help-key-new--name = 名称：小写字母、数字、`-` 和 `_`
help-key-new--algorithm = 算法：sm2、sm4 或 hmac-sm3
help-key-new--uses = 用途：sign、verify、encrypt、decrypt、mac、agree [默认：算法能做的全部]
help-key-new--exportable = 允许以后导出；不加则永远不能
help-key-new--machine_bound = 新密钥库绑定到本机，不用口令
help-key-list = 列出全部密钥的全部版本
help-key-show = 显示密钥及其公钥和证书
help-key-show--which = 密钥，或它的一个版本：`meter@1`
help-key-import = 导入在别处生成的密钥
help-key-import--file = 密钥：SM2 用 PEM 或 DER；其他的用原始字节或十六进制数字
help-key-import--name = 名称 [默认：文件名]
help-key-import--algorithm = 算法：sm2、sm4 或 hmac-sm3
help-key-import--uses = 用途：sign、verify、encrypt、decrypt、mac、agree [默认：算法能做的全部]
help-key-import--exportable = 允许以后导出；不加则永远不能
help-key-import--machine_bound = 新密钥库绑定到本机，不用口令
help-key-export = 写出公钥；密钥可导出时，也可写出密钥本身
help-key-export--which = 密钥，或它的一个版本：`meter@1`
help-key-export--public = 只写出公钥
help-key-export--output = 写到哪个文件 [默认：标准输出]
help-key-csr = 写出证书请求
help-key-csr--which = 密钥
help-key-csr--subject = 证书发给谁：CN=gateway,O=Plant
help-key-csr--dns = 证书所用的主机名
help-key-csr--ip = 证书所用的地址
help-key-csr--output = 写到哪个文件 [默认：标准输出]
help-key-certificate = 给密钥附上证书
help-key-certificate--which = 密钥
help-key-certificate--file = PEM 或 DER 格式的证书；PEM 文件里可以附有各级颁发者的证书
help-key-rotate = 生成密钥的新版本；旧版本仍可验证和解密
help-key-rotate--name = 密钥
help-key-destroy = 永久销毁密钥的全部版本，或其中一个
help-key-destroy--which = 密钥，或它的一个版本：`meter@1`
help-key-destroy--yes = 不询问
help-key-protect = 为密钥库换口令，或把它绑定到本机
help-key-protect--machine_bound = 绑定到本机，不用口令

help-tls = 建立证书机构，签发证书：主机和操作员在 TLS 中出示的，以及插件签名者的
help-tls-after =
    密钥是 SM2 的，写入只有你能读的文件。标准 TLS 的证书请用 OpenSSL 生成，做法见 docs/tls.zh-CN.md。

    示例：
      weihe tls ca --name plant
      weihe tls server gateway --host gateway.plant --host 192.168.1.2
      weihe tls client panel
      weihe tls signer release --request release.csr
      weihe --connect gateway.plant:7443 --client-certificate panel.pem --client-key panel.key --server-ca ca.pem ps
help-tls-ca = 建立证书机构：ca.pem 可以分发，ca.key 要锁好
help-tls-ca--name = 它的名称，写在它签发的全部证书里
help-tls-server = 签发主机的证书，供控制门和连接使用
help-tls-server--name = 名称：生成 NAME.pem 和 NAME.key
help-tls-server--hosts = 访问它所用的名称或地址；可以多次给出
help-tls-client = 签发操作员的证书，或主机连接别处所用的证书
help-tls-client--name = 名称，[control.roles] 以此认它：生成 NAME.pem 和 NAME.key
help-tls-signer = 签发插件签名者的证书，供 `weihe sign` 使用
help-tls-signer--name = 名称：生成 NAME.pem，没有请求时还生成 NAME.key
help-tls-signer--request = `weihe key csr` 写出的请求；密钥留在原处
help-tls-signer--days = 可以签名的天数
help-tls-signer--output = 文件所在的目录
help-tls-ca--days = 有效天数
help-tls-ca--output = 文件所在的目录
help-tls-server--days = 有效天数
help-tls-server--output = 文件所在的目录
help-tls-client--days = 有效天数
help-tls-client--output = 文件所在的目录
help-sign = 给插件签名，使主机只接受它现在的样子
help-sign-after =
    先询问插件的名称和版本，一并签名。已有的签名会被替换。证书须用于代码签名。

    示例：
      weihe sign plugins/modbus.wasm --key release
      weihe sign modbus.wasm --key-file release.key --certificate release.pem --output signed/modbus.wasm
help-sign--file = 组件
help-sign--key = 密钥库中用来签名的密钥
help-sign--key_file = 私钥文件（PEM），代替密钥库
help-sign--certificate = 签名者的证书，其后是各级颁发者的证书（PEM）[默认：附在密钥上的证书]
help-sign--output = 签名后的插件写到哪里 [默认：替换原文件]
help-verify = 显示谁给插件签了名，以及是否可信
help-verify-after =
    可信者由 --trust 指明，否则由当前系统的 [signatures] 指明。签名有效且可信时退出码为 0，否则为 1。

    示例：
      weihe verify plugins/modbus.wasm
      weihe verify modbus.wasm --trust roots.pem
help-verify--file = 组件，或当前系统中插件的名称
help-verify--trust = 可信的证书（PEM），代替 [signatures]；其中只有 `revoked` 仍然有效
