"""Users, sessions and sign-in attempts in MongoDB."""

from datetime import datetime, timedelta
from typing import ClassVar

import mongoengine
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.gateway.identity.domain import Session, ThrottleRule, User
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of


class UserDocument(StoredDocument):
    id = mongoengine.StringField(primary_key=True)
    name = mongoengine.StringField()
    schema_version = mongoengine.IntField(default=1)

    meta: ClassVar[dict[str, object]] = {
        "collection": "users",
        "indexes": [{"fields": ["name"], "unique": True}],
    }


class SessionDocument(StoredDocument):
    id = mongoengine.StringField(primary_key=True)
    user_id = mongoengine.StringField()
    expires_at = mongoengine.DateTimeField()
    schema_version = mongoengine.IntField(default=1)

    meta: ClassVar[dict[str, object]] = {
        "collection": "sessions",
        "indexes": ["user_id", {"fields": ["expires_at"], "expireAfterSeconds": 0}],
    }


class AttemptDocument(StoredDocument):
    id = mongoengine.StringField(primary_key=True)
    forgotten_at = mongoengine.DateTimeField()

    meta: ClassVar[dict[str, object]] = {
        "collection": "sign_in_attempts",
        "indexes": [{"fields": ["forgotten_at"], "expireAfterSeconds": 0}],
    }


class MongoUsers:
    def by_name(self, name: str) -> User | None:
        return self._one({"name": name})

    def by_id(self, user_id: str) -> User | None:
        return self._one({"_id": user_id})

    def add(self, user: User) -> bool:
        body = user.__dict__ | {"roles": list(user.roles), "schema_version": 1}
        body["_id"] = body.pop("id")
        try:
            collection_of(UserDocument).insert_one(body)
        except DuplicateKeyError:
            return False
        return True

    def set_password_hash(self, user_id: str, password_hash: str) -> None:
        collection_of(UserDocument).update_one({"_id": user_id}, {"$set": {"password_hash": password_hash}})

    def _one(self, query: BsonDocument) -> User | None:
        body = collection_of(UserDocument).find_one(query)
        if body is None:
            return None
        return User(
            id=body["_id"],
            name=body["name"],
            roles=tuple(body["roles"]),
            password_hash=body["password_hash"],
            created_at=body["created_at"],
            email=body.get("email", ""),
            project=body.get("project", "default"),
            disabled=body.get("disabled", False),
        )


class MongoSessions:
    def add(self, session: Session) -> None:
        body: BsonDocument = session.__dict__ | {"_id": session.id, "schema_version": 1}
        del body["id"]
        collection_of(SessionDocument).insert_one(body)

    def get(self, session_id: str) -> Session | None:
        body = collection_of(SessionDocument).find_one({"_id": session_id})
        if body is None:
            return None
        return Session(session_id, body["user_id"], body["created_at"], body["expires_at"], body["ends_at"])

    def renew(self, session_id: str, expires_at: datetime) -> None:
        # An update, never an upsert: a session that was ended meanwhile stays ended.
        collection_of(SessionDocument).update_one({"_id": session_id}, {"$max": {"expires_at": expires_at}})

    def remove(self, session_id: str) -> None:
        collection_of(SessionDocument).delete_one({"_id": session_id})


class MongoAttempts:
    """One row a key: how many attempts since the last success, and until when the next has to wait."""

    KEPT = timedelta(days=1)

    def begin(self, key: str, rule: ThrottleRule, now: datetime) -> timedelta:
        attempts = collection_of(AttemptDocument)
        while True:
            body = attempts.find_one({"_id": key})
            count, until = (body["count"], body["until"]) if body else (0, now)
            if until > now:
                return until - now
            counted = {
                "count": count + 1,
                "until": now + rule.wait(count + 1),
                "forgotten_at": now + self.KEPT,
            }
            # Only who sees the row that it read moves it on, so attempts at the same time are counted one by one.
            try:
                done = attempts.find_one_and_update(
                    {"_id": key, "count": count, "until": until} if body else {"_id": key, "count": {"$exists": False}},
                    {"$set": counted},
                    upsert=body is None,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:
                continue
            if done is not None:
                return timedelta()

    def undo(self, key: str, rule: ThrottleRule, now: datetime) -> None:
        attempts = collection_of(AttemptDocument)
        body = attempts.find_one({"_id": key})
        if body is None:
            return
        # The wait is this attempt's own only while no later one was counted.
        own = {"_id": key, "count": body["count"], "until": now + rule.wait(body["count"])}
        lifted = attempts.update_one(own, {"$set": {"until": now}, "$inc": {"count": -1}})
        if not lifted.matched_count:
            attempts.update_one({"_id": key, "count": {"$gt": 0}}, {"$inc": {"count": -1}})

    def forget(self, key: str) -> None:
        collection_of(AttemptDocument).delete_one({"_id": key})
