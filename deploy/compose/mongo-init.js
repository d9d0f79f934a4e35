// Run by mongosh, as often as one likes: makes the replica set and the platform's user.

const DATABASES = ["dataset", "algorithm", "trainer", "scheduler", "serving", "gateway", "operation"].map((name) => `modelyard_${name}`);
const ROLES = ["readWrite", "dbAdmin"];
const { MONGO_ROOT_PASSWORD: rootPassword, MONGO_PASSWORD: password } = process.env;

const admin = connect(
  `mongodb://root:${encodeURIComponent(rootPassword)}@mongodb:27017/admin?directConnection=true&authSource=admin`,
);

try {
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] } });
} catch (error) {
  if (error.codeName !== "AlreadyInitialized") throw error;
}
while (!admin.hello().isWritablePrimary) sleep(200);

const user = { pwd: password, roles: DATABASES.flatMap((db) => ROLES.map((role) => ({ role, db }))) };
if (admin.getUser("modelyard")) {
  admin.updateUser("modelyard", user);
} else {
  admin.createUser({ user: "modelyard", ...user });
}
print("the replica set rs0 is ready");
