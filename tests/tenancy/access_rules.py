"""Roles, members, invitations and API keys in the model: who may change what; nobody gets more than they have."""

import asyncio
from uuid import uuid4

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from backend.registry import declarations
from backend.settings import Settings
from tests.tenancy.world import BUILT_IN, Company, Key, Someone, World

EVERY = [permission.key for permission in declarations().permissions]
OWNERS_ALONE = {permission.key for permission in declarations().permissions if permission.roles == ("owner",)}
some = st.integers(0, 99)
role_names = st.lists(st.integers(0, 9), min_size=1, max_size=2)
subsets = st.lists(st.sampled_from(EVERY), min_size=1, max_size=6, unique=True)


class AccessRules(RuleBasedStateMachine):
    """Base of the machine: the world, how numbers choose from it, and the rules of access."""

    app: Settings
    base_url: str
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.app, self.base_url, self.runner)

    def teardown(self) -> None:
        self.world.close()

    def person(self, number: int) -> Someone:
        return self.world.people[number % len(self.world.people)]

    def company(self, number: int) -> Company:
        return self.world.companies[number % len(self.world.companies)]

    def membership(self, number: int) -> tuple[Someone, Company]:
        pairs = [(person, company) for company in self.world.companies for person in company.roles]
        return pairs[number % len(pairs)]

    def member_who_may(self, number: int, *wanted: str) -> tuple[Someone, Company]:
        """A member who holds every permission wanted; an owner always does."""
        pairs = [
            (person, company)
            for company in self.world.companies
            for person in company.roles
            if company.holds(person).issuperset(wanted)
        ]
        return pairs[number % len(pairs)]

    def two_of_one_company(self, pick: int, other: int) -> tuple[Someone, Someone, Company]:
        person, company = self.membership(pick)
        members = list(company.roles)
        return person, members[other % len(members)], company

    def roles_of(self, company: Company, numbers: list[int]) -> frozenset[str]:
        known = [*BUILT_IN, *company.custom]
        return frozenset(known[number % len(known)] for number in numbers)

    @rule(pick=some, who=some, number=st.integers(0, 9))
    def invite(self, pick: int, who: int, number: int) -> None:
        """By whoever it is: only with the permission, and only to roles that the host could take."""
        host, company = self.membership(pick)
        guest = self.person(who)
        if guest in company.roles:
            return
        (role,) = self.roles_of(company, [number])
        sent = self.world.invite(host, company, guest, role)
        if not self.world.expect(host, company, "members.invite", sent):
            return
        if company.of_role(role) <= company.holds(host):
            assert sent.status_code == 201, sent.text
            self.world.accept(company, guest, sent, role)
        else:
            _refused_to_grant(sent, company.of_role(role) - company.holds(host))

    @rule(pick=some, other=some, numbers=role_names)
    def change_roles(self, pick: int, other: int, numbers: list[int]) -> None:
        actor, target, company = self.two_of_one_company(pick, other)
        wanted = self.roles_of(company, numbers)
        path = f"/team/members/{target.user_id}/roles"
        answer = self.world.ask(actor, "PUT", path, company=company, json={"roles": sorted(wanted)})
        if not self.world.expect(actor, company, "members.update", answer):
            return
        mine = company.holds(actor)
        touched = company.roles[target] ^ wanted
        beyond = frozenset[str]().union(*(company.of_role(role) for role in touched), company.holds(target)) - mine
        if beyond:
            _refused_to_grant(answer, beyond)
        elif company.owners() == [target] and "owner" not in wanted:
            assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
        else:
            assert answer.status_code == 200, answer.text
            company.roles[target] = wanted
            assert {role["key"] for role in answer.json()["roles"]} == wanted

    @rule(pick=some, other=some)
    def remove_member(self, pick: int, other: int) -> None:
        actor, target, company = self.two_of_one_company(pick, other)
        answer = self.world.ask(actor, "DELETE", f"/team/members/{target.user_id}", company=company)
        if not self.world.expect(actor, company, "members.remove", answer):
            return
        if not company.holds(target) <= company.holds(actor):
            assert answer.status_code == 403, answer.text
        elif company.owners() == [target]:
            assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
        else:
            assert answer.status_code == 204, answer.text
            self._gone(company, target)

    @rule(pick=some)
    def leave(self, pick: int) -> None:
        person, company = self.membership(pick)
        if "company.read" not in company.holds(person):
            return
        answer = self.world.ask(person, "POST", "/team/leave", company=company)
        if company.owners() == [person]:
            assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
        else:
            assert answer.status_code == 204, answer.text
            self._gone(company, person)

    def _gone(self, company: Company, person: Someone) -> None:
        """Nobody any more, at once; their keys have died with the membership."""
        del company.roles[person]
        after = self.world.ask(person, "GET", "/dashboard", company=company)
        assert (after.status_code, after.json()["code"]) == (404, "not_found")
        for key in company.keys:
            if key.maker is person:
                key.revoked = True

    @rule(pick=some, holds=subsets)
    def create_role(self, pick: int, holds: list[str]) -> None:
        person, company = self.membership(pick)
        if len(company.custom) > 4:
            return
        name = f"Role {uuid4().hex[:8]}"
        body = {"name": name, "permissions": holds}
        made = self.world.ask(person, "POST", "/roles", company=company, json=body)
        if not self.world.expect(person, company, "roles.manage", made):
            return
        if beyond := frozenset(holds) - company.holds(person):
            _refused_to_grant(made, beyond)
        else:
            assert made.status_code == 201, made.text
            company.custom[made.json()["key"]] = frozenset(holds)

    @rule(pick=some, number=some, holds=subsets)
    def change_role(self, pick: int, number: int, holds: list[str]) -> None:
        """Also of a role that one holds oneself."""
        person, company = self.membership(pick)
        if not company.custom:
            return
        key = list(company.custom)[number % len(company.custom)]
        answer = self.world.ask(person, "PATCH", f"/roles/{key}", company=company, json={"permissions": holds})
        if not self.world.expect(person, company, "roles.manage", answer):
            return
        if beyond := (frozenset(holds) ^ company.custom[key]) - company.holds(person):
            _refused_to_grant(answer, beyond)
        else:
            assert answer.status_code == 200, answer.text
            company.custom[key] = frozenset(holds)

    @rule(pick=some, number=some)
    def delete_role(self, pick: int, number: int) -> None:
        person, company = self.membership(pick)
        known = [*company.custom, "viewer"]
        key = known[number % len(known)]
        answer = self.world.ask(person, "DELETE", f"/roles/{key}", company=company)
        if not self.world.expect(person, company, "roles.manage", answer):
            return
        if key in BUILT_IN:
            assert (answer.status_code, answer.json()["code"]) == (409, "role_built_in")
        elif company.custom[key] - company.holds(person):
            assert answer.status_code == 403, answer.text
        elif any(key in roles for roles in company.roles.values()):
            assert (answer.status_code, answer.json()["code"]) == (409, "role_in_use")
        else:
            assert answer.status_code == 204, answer.text
            del company.custom[key]

    @rule(pick=some)
    def see_the_team(self, pick: int) -> None:
        person, company = self.membership(pick)
        answer = self.world.ask(person, "GET", "/team/members", company=company, params={"limit": 100})
        if not self.world.expect(person, company, "members.read", answer):
            return
        listed = {item["user_id"]: {role["key"] for role in item["roles"]} for item in answer.json()["items"]}
        assert listed == {str(member.user_id): roles for member, roles in company.roles.items()}
        manageable = {item["user_id"]: item["manageable"] for item in answer.json()["items"]}
        mine = company.holds(person)
        assert manageable == {str(member.user_id): company.holds(member) <= mine for member in company.roles}

    @rule(pick=some)
    def see_the_roles(self, pick: int) -> None:
        person, company = self.membership(pick)
        answer = self.world.ask(person, "GET", "/roles", company=company)
        if not self.world.expect(person, company, "roles.read", answer):
            return
        listed = {item["key"]: frozenset(item["permissions"]) for item in answer.json()["items"]}
        assert listed == {**BUILT_IN, **company.custom}

    @rule(pick=some, names=subsets)
    def make_a_key(self, pick: int, names: list[str]) -> None:
        person, company = self.membership(pick)
        if len(company.keys) > 4:
            return
        body = {"name": "Key", "permissions": names}
        made = self.world.ask(person, "POST", "/api-keys", company=company, json=body)
        if not self.world.expect(person, company, "api_keys.manage", made):
            return
        if beyond := frozenset(names) - company.holds(person) | frozenset(names) & OWNERS_ALONE:
            _refused_to_grant(made, beyond)
        else:
            assert made.status_code == 201, made.text
            client = self.world.client(made.json()["secret"])
            company.keys.append(Key(made.json()["api_key"]["id"], person, frozenset(names), client))

    @rule(number=some, other=some)
    def use_a_key(self, number: int, other: int) -> None:
        """It opens what it names of what its maker may do now, in its own company alone."""
        found = [(key, company) for company in self.world.companies for key in company.keys]
        if not found:
            return
        key, company = found[number % len(found)]
        held = key.names & company.holds(key.maker)
        for path, permission in (("/dashboard", "dashboard.read"), ("/audit", "audit.read"), ("/roles", "roles.read")):
            answer = self.world.ask(key.maker, "GET", path, about=company, key=key)
            wanted = 401 if key.revoked else 200 if permission in held else 403
            assert answer.status_code == wanted, answer.text
        foreign = self.company(other)
        if foreign is not company:
            answer = self.world.ask(key.maker, "GET", "/dashboard", company=foreign, key=key)
            assert answer.status_code == (401 if key.revoked else 404)

    @rule(pick=some, number=some)
    def revoke_a_key(self, pick: int, number: int) -> None:
        person, company = self.membership(pick)
        if not company.keys:
            return
        key = company.keys[number % len(company.keys)]
        if key.revoked:
            return
        answer = self.world.ask(person, "DELETE", f"/api-keys/{key.id}", company=company)
        if self.world.expect(person, company, "api_keys.manage", answer):
            assert answer.status_code == 204, answer.text
            key.revoked = True


def _refused_to_grant(answer: httpx.Response, beyond: frozenset[str]) -> None:
    """The refusal of what nobody may give away without holding it; it names at least one of the permissions."""
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), answer.text
    assert set(answer.json()["extra"]["permissions"]) <= beyond, answer.text
    assert answer.json()["extra"]["permissions"], answer.text
