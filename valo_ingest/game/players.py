"""What is told about players: roster, scoreboards, the kill feed and auxiliary data.

An observer's scoreboard is the best source. A player's own client stands in as long as the observer has sent none
for him this round, and the kill feed as long as neither did.
"""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from valo_ingest.game import agents, rules
from valo_ingest.game.catalog import assisting_agent, plain_agent, weapon_name
from valo_ingest.game.events import (
    AbilitiesReported,
    AstraTargetingReported,
    AuxiliaryGone,
    AuxiliaryReturned,
    AuxiliaryScoreboardReported,
    AuxiliaryTeamBoardReported,
    Board,
    CypherCameraReported,
    HealthReported,
    KillReported,
    PlayerObserved,
    RosterReported,
    ScoreboardReported,
)
from valo_ingest.game.rounds import plant
from valo_ingest.game.seats import SEATS, BySeat, Seat
from valo_ingest.game.state import COMBAT, Abilities, AuxiliaryData, Match, Player, Team, seat_of


def report_roster(match: Match, event: RosterReported, at: int) -> Match:
    seat = seat_of(match, event.team_number)
    if seat is None:
        return match
    if match.agent_select_started_at is None:
        match = replace(match, agent_select_started_at=at)
    if not (event.player_id and event.name and event.tagline):
        return match
    return replace(match, teams=match.teams.updated(seat, lambda team: _enrolled(team, event)))


def _enrolled(team: Team, event: RosterReported) -> Team:
    name = display_name(team, event.name)

    def renewed(player: Player) -> Player:
        return replace(
            player,
            roster_name=event.name,
            name=name,
            tagline=event.tagline,
            agent_internal=event.agent_internal,
            locked=event.locked,
        )

    if any(player.player_id == event.player_id for player in team.players):
        return _with_player(team, event.player_id, renewed)
    if len(team.players) >= rules.MAX_PLAYERS_PER_TEAM:
        return team
    joined = Player(
        player_id=event.player_id,
        roster_name=event.name,
        name=name,
        tagline=event.tagline,
        position=event.position,
        locked=event.locked,
        agent_internal=event.agent_internal,
    )
    return replace(team, players=(*team.players, joined))


def display_name(team: Team, roster_name: str) -> str:
    """Return the name to show: without the team's tricode if the team wants that, but never empty."""
    tricode = team.setup.tricode
    if not (team.removes_tricode and tricode and roster_name.startswith(tricode)):
        return roster_name
    return roster_name.removeprefix(tricode).strip() or roster_name


def report_scoreboard(match: Match, event: ScoreboardReported, at: int) -> Match:
    seat = seat_of(match, event.team_number)
    if seat is None:
        return match
    board = event.board
    match = _plant_seen_in_money(match, (seat,), (board,), at)
    return _with_player_in(
        match,
        (seat,),
        board.player_id,
        lambda player: _after_board(player, board, player.auxiliary, has_scoreboard=True),
    )


def report_auxiliary_scoreboard(match: Match, event: AuxiliaryScoreboardReported, at: int) -> Match:
    seat = seat_of(match, event.team_number)
    if seat is None:
        return match
    return _stand_in(match, (seat,), (event.board,), at)


def report_team_board(match: Match, event: AuxiliaryTeamBoardReported, at: int) -> Match:
    return _stand_in(match, SEATS, event.boards, at)


def _stand_in(match: Match, seats: tuple[Seat, ...], boards: tuple[Board, ...], at: int) -> Match:
    """Take over boards of auxiliary clients, for players of whom the observer has told none this round."""
    match = _plant_seen_in_money(match, seats, boards, at)
    for board in boards:

        def standing_in(player: Player, board: Board = board) -> Player:
            if player.has_scoreboard:
                return player
            delivers = player.auxiliary
            if not delivers.has_scoreboard:
                delivers = replace(delivers, has_scoreboard=True)
            return _after_board(player, board, delivers, has_scoreboard=False)

        match = _with_player_in(match, seats, board.player_id, standing_in)
    return match


def _plant_seen_in_money(match: Match, seats: tuple[Seat, ...], boards: tuple[Board, ...], at: int) -> Match:
    """Plant the spike if a board shows a known player with exactly the planter's reward more than before."""
    if match.phase != COMBAT or match.spike.is_planted:
        return match
    for board in boards:
        money_before = board.money - rules.PLANT_REWARD_CREDITS
        for seat in seats:
            for player in match.teams[seat].players:
                if player.money == money_before and player.player_id == board.player_id:
                    return plant(match, at)
    return match


def _after_board(player: Player, board: Board, auxiliary: AuxiliaryData, *, has_scoreboard: bool) -> Player:
    """Return `player` as `board` has it, with what else is to change in him."""
    spent = player.money - board.money
    has_spent = player.has_spent or spent > 0
    health = player.health
    if player.is_alive is not board.is_alive:
        health = rules.FULL_HEALTH if board.is_alive else 0
    # By place: nearly every event is a board, and replacing half of so many fields by name takes three times as long.
    after = Player(
        player.player_id,
        player.roster_name,
        player.name,
        player.tagline,
        player.position,
        player.locked,
        board.agent_internal,
        board.is_alive,
        board.has_spike,
        player.is_observed,
        health,
        player.abilities,
        board.kills,
        board.deaths,
        board.assists,
        player.kills_this_round + max(0, board.kills - player.kills),
        player.deaths_this_round + max(0, board.deaths - player.deaths),
        player.killed_names,
        board.ult_points,
        board.max_ult_points,
        board.money,
        player.money_spent + spent if has_spent else player.money_spent,
        has_spent,
        board.armor,
        weapon_name(board.weapon_internal),
        player.teamkills,
        player.headshots,
        player.kills_by_weapon,
        player.kills_of_enemies,
        player.kills_of_teammates,
        has_scoreboard,
        auxiliary,
        player.lost_auxiliary,
        player.icon_suffix,
    )
    suffix = agents.suffix_after_board(player, after)
    return after if suffix == after.icon_suffix else replace(after, icon_suffix=suffix)


def report_kill(match: Match, event: KillReported, at: int) -> Match:
    victim = next((found for team in match.teams if (found := _named(team, event.victim)) is not None), None)
    victim_name = event.victim if victim is None else victim.name
    return _with_teams(match, lambda team: _after_kill(team, event, victim_name))


def _named(team: Team, name: str) -> Player | None:
    """Return the first player of `team` whose shown or original name this is."""
    return next((player for player in team.players if name in (player.name, player.roster_name)), None)


def _after_kill(team: Team, event: KillReported, victim_name: str) -> Team:
    victim = _named(team, event.victim)
    if victim is not None:
        team = _with_player(team, victim.player_id, _after_death)
    attacker = _named(team, event.attacker)
    if attacker is None:
        return team
    team = _with_player(team, attacker.player_id, lambda player: _after_own_kill(player, event, victim_name))
    if team.has_duplicate_agents:
        return team  # nobody can tell who assisted
    for agent in {assisting_agent(icon) for icon in event.assists}:
        assisting = next(
            (player for player in team.players if plain_agent(player.agent_internal) == agent), None
        )
        if assisting is not None:
            team = _with_player(team, assisting.player_id, _after_assist)
    return team


def _tells_by_kill_feed(player: Player) -> bool:
    return not (player.has_scoreboard or player.auxiliary.has_scoreboard)


def _after_death(player: Player) -> Player:
    if not _tells_by_kill_feed(player):
        return player
    return replace(
        player,
        is_alive=False,
        health=0,
        deaths=player.deaths + 1,
        deaths_this_round=player.deaths_this_round + 1,
    )


def _after_own_kill(player: Player, event: KillReported, victim_name: str) -> Player:
    player = replace(
        player,
        killed_names=(*player.killed_names, victim_name),
        headshots=player.headshots + event.headshot,
        teamkills=player.teamkills + event.teamkill,
        kills_by_weapon=_counted(player.kills_by_weapon, event.weapon_internal),
    )
    if event.teamkill:
        player = replace(player, kills_of_teammates=_counted(player.kills_of_teammates, victim_name))
    else:
        player = replace(player, kills_of_enemies=_counted(player.kills_of_enemies, victim_name))
    if not _tells_by_kill_feed(player):
        return player
    return replace(
        player,
        kills=player.kills + 1,
        kills_this_round=player.kills_this_round + 1,
        icon_suffix=agents.suffix_after_contribution(
            player.agent_internal, player.icon_suffix, kills=1, assists=0
        ),
    )


def _after_assist(player: Player) -> Player:
    if not _tells_by_kill_feed(player):
        return player
    return replace(
        player,
        assists=player.assists + 1,
        icon_suffix=agents.suffix_after_contribution(
            player.agent_internal, player.icon_suffix, kills=0, assists=1
        ),
    )


def _counted(counts: Mapping[str, int], key: str) -> Mapping[str, int]:
    return {**counts, key: counts.get(key, 0) + 1}


def observe_player(match: Match, event: PlayerObserved, at: int) -> Match:
    def watched(player: Player) -> Player:
        is_observed = search_name(player) == event.search_name
        return player if is_observed is player.is_observed else replace(player, is_observed=is_observed)

    return _with_teams(match, lambda team: _with_players(team, watched))


def search_name(player: Player) -> str:
    """Return the name by which the game says whom the camera follows."""
    return f"{player.roster_name} #{player.tagline}"


def report_abilities(match: Match, event: AbilitiesReported, at: int) -> Match:
    abilities = Abilities(event.grenade, event.ability_1, event.ability_2)

    def told(player: Player) -> Player:
        delivers = player.auxiliary
        if not delivers.has_abilities:
            delivers = replace(delivers, has_abilities=True)
        elif player.abilities == abilities:
            return player
        return replace(player, abilities=abilities, auxiliary=delivers)

    return _with_player_in(match, SEATS, event.player_id, told)


def report_health(match: Match, event: HealthReported, at: int) -> Match:
    def told(player: Player) -> Player:
        delivers = player.auxiliary
        if not delivers.has_health:
            delivers = replace(delivers, has_health=True)
        elif player.health == event.health:
            return player
        return replace(player, health=event.health, auxiliary=delivers)

    return _with_player_in(match, SEATS, event.player_id, told)


def report_astra_targeting(match: Match, event: AstraTargetingReported, at: int) -> Match:
    return _with_player_in(
        match,
        SEATS,
        event.player_id,
        _switching_suffix(agents.ASTRA, agents.ASTRA_TARGETING_SUFFIX, is_on=event.active),
    )


def report_cypher_camera(match: Match, event: CypherCameraReported, at: int) -> Match:
    return _with_player_in(
        match,
        SEATS,
        event.player_id,
        _switching_suffix(agents.CYPHER, agents.CYPHER_CAMERA_SUFFIX, is_on=event.active),
    )


def _switching_suffix(agent: str, suffix: str, *, is_on: bool) -> Callable[[Player], Player]:
    def switched(player: Player) -> Player:
        if plain_agent(player.agent_internal) != agent:
            return player
        return replace(player, icon_suffix=suffix if is_on else "")

    return switched


def lose_auxiliary(match: Match, event: AuxiliaryGone, at: int) -> Match:
    return _with_player_in(
        match,
        SEATS,
        event.player_id,
        lambda player: replace(
            player,
            auxiliary=AuxiliaryData(),
            lost_auxiliary=_either(player.auxiliary, player.lost_auxiliary),  # it may be told twice
        ),
    )


def regain_auxiliary(match: Match, event: AuxiliaryReturned, at: int) -> Match:
    return _with_player_in(
        match,
        SEATS,
        event.player_id,
        lambda player: replace(
            player,
            auxiliary=_either(player.auxiliary, player.lost_auxiliary),
            lost_auxiliary=AuxiliaryData(),
        ),
    )


def _either(one: AuxiliaryData, other: AuxiliaryData) -> AuxiliaryData:
    return AuxiliaryData(
        has_health=one.has_health or other.has_health,
        has_abilities=one.has_abilities or other.has_abilities,
        has_scoreboard=one.has_scoreboard or other.has_scoreboard,
    )


def _with_player_in(
    match: Match, seats: tuple[Seat, ...], player_id: str, change: Callable[[Player], Player]
) -> Match:
    """Return `match` with the player of that id changed in each of `seats` that has one."""
    teams = match.teams
    left, right = teams.left, teams.right
    if Seat.LEFT in seats:
        left = _with_player(left, player_id, change)
    if Seat.RIGHT in seats:
        right = _with_player(right, player_id, change)
    if left is teams.left and right is teams.right:
        return match
    return replace(match, teams=BySeat(left, right))


def _with_player(team: Team, player_id: str, change: Callable[[Player], Player]) -> Team:
    for player in team.players:
        if player.player_id == player_id:
            changed = change(player)
            if changed is player or changed == player:
                return team
            players = [changed if other is player else other for other in team.players]
            return replace(team, players=tuple(players))
    return team


def _with_players(team: Team, change: Callable[[Player], Player]) -> Team:
    players = tuple([change(player) for player in team.players])
    if all(changed is player for changed, player in zip(players, team.players, strict=True)):
        return team
    return replace(team, players=players)


def _with_teams(match: Match, change: Callable[[Team], Team]) -> Match:
    teams = match.teams.map(change)
    if teams.left is match.teams.left and teams.right is match.teams.right:
        return match
    return replace(match, teams=teams)
