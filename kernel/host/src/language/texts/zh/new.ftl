new-next = 接下来：
new-test = 测试它的逻辑，不经沙箱
new-build = 编译成组件
new-dev = 运行它；每次保存，新版本就换上去
