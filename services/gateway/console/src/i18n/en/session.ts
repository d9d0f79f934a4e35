import type zh from '../zh/session';
import type { Same } from '../messages';

const session: Same<typeof zh> = {
  title: 'Sign in',
  lead: 'Bring data, train a model, run it as a service.',
  userName: 'User name',
  userNameMissing: 'Enter your user name',
  password: 'Password',
  passwordMissing: 'Enter your password',
  signIn: 'Sign in',
  signOut: 'Sign out',
  ended: 'Your session has ended; sign in again.',
  account: 'My account',
  roles: 'Roles',
  email: 'E-mail',
  firstPassword: 'First time? The user is admin; its password was shown at the start (make status).',
};

export default session;
