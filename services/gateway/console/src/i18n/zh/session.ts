const session = {
  title: '登录',
  lead: '上传数据，训练模型，发布为服务。',
  userName: '用户名',
  userNameMissing: '请输入用户名',
  password: '密码',
  passwordMissing: '请输入密码',
  signIn: '登录',
  signOut: '退出登录',
  ended: '登录已过期，请重新登录。',
  account: '我的账户',
  roles: '角色',
  email: '邮箱',
  firstPassword: '首次使用？用户名是 admin，密码请向管理员索取；管理员用 make status 可以查看。',
};

export default session;
