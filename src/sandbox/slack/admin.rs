//! The people of the workspace, and what its admins do with channels.

use serde_json::json;

use super::door::Slack;
use super::web_api::create;
use super::workspace::{BOT_USER, User};

impl Slack {
    fn add(&self, id: &str, name: &str, display: &str, guest: bool, team: Option<&str>) {
        let mut world = self.0.lock();
        let team = team.map_or_else(|| world.config.team_id.clone(), str::to_owned);
        let email = format!("{name}@example.com");
        let user = User {
            id: id.to_owned(),
            team,
            name: name.to_owned(),
            display: display.to_owned(),
            email,
            guest,
            bot: false,
            zone: Some(("Etc/UTC".to_owned(), 0)),
        };
        world.slack.users.insert(id.to_owned(), user);
    }

    pub fn add_user(&self, id: &str, name: &str, display: &str) {
        self.add(id, name, display, false, None);
    }

    /// A program with its own account.
    pub fn add_bot(&self, id: &str, name: &str) {
        self.add(id, name, name, false, None);
        if let Some(user) = self.0.lock().slack.users.get_mut(id) {
            user.bot = true;
        }
    }

    pub fn add_guest(&self, id: &str, name: &str, display: &str) {
        self.add(id, name, display, true, None);
    }

    /// Somebody of another workspace, in a shared channel.
    pub fn add_stranger(&self, id: &str, name: &str, team: &str) {
        self.add(id, name, name, false, Some(team));
    }

    /// Somebody joins the workspace while the bot runs.
    pub fn joins(&self, id: &str, name: &str, display: &str) {
        self.add_user(id, name, display);
        let mut world = self.0.lock();
        let user = world.slack.users.get(id).map(User::json).unwrap_or_default();
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": "team_join", "user": user}));
    }

    pub fn deactivates(&self, id: &str) {
        let mut world = self.0.lock();
        let Some(mut user) = world.slack.users.get(id).map(User::json) else { return };
        user["deleted"] = json!(true);
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": "user_change", "user": user}));
    }

    /// Somebody sets the time zone of their profile, or none, and the bot hears of it.
    pub fn lives_in(&self, id: &str, zone: Option<(&str, i32)>) {
        let mut world = self.0.lock();
        let Some(user) = world.slack.users.get_mut(id) else { return };
        user.zone = zone.map(|(name, offset)| (name.to_owned(), offset));
        let (user, config) = (user.json(), world.config.clone());
        world.slack.emit(&config, &json!({"type": "user_change", "user": user}));
    }

    pub fn add_group(&self, id: &str, people: &[&str]) {
        let people = people.iter().map(|&id| id.to_owned()).collect();
        self.0.lock().slack.groups.insert(id.to_owned(), people);
    }

    /// Makes a channel with members. Returns its id.
    pub fn add_channel(&self, name: &str, members: &[&str]) -> String {
        let mut world = self.0.lock();
        let made = create(&mut world, name, false);
        if let Some(channel) = world.slack.channel(name) {
            "U0ADMIN".clone_into(&mut channel.creator);
            // The bot can write in public channels without being a member.
            channel.members.clear();
            channel.members.extend(members.iter().map(|&id| id.to_owned()));
        }
        made.ok().and_then(|made| made.pointer("/channel/id")?.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// A person joins a channel.
    pub fn enter(&self, user: &str, channel: &str) {
        if let Some(channel) = self.0.lock().slack.channel(channel) {
            channel.members.push(user.to_owned());
        }
    }

    /// Archives a channel, as an admin does.
    pub fn archive(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        channel.archived = true;
        let (id, kind) = (channel.id.clone(), channel.event_kind("archive"));
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": kind, "channel": id, "user": "U0ADMIN"}));
    }

    /// Archives a channel without telling the bot.
    pub fn archive_unheard(&self, channel: &str) {
        if let Some(channel) = self.0.lock().slack.channel(channel) {
            channel.archived = true;
        }
    }

    /// Deletes a channel, as an admin does.
    pub fn delete_channel(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some((id, kind)) =
            world.slack.channel(channel).map(|channel| (channel.id.clone(), channel.event_kind("deleted")))
        else {
            return;
        };
        world.slack.channels.retain(|channel| channel.id != id);
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": kind, "channel": id}));
    }

    /// Removes the bot from a channel.
    pub fn remove_bot(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        channel.members.retain(|member| member != BOT_USER);
        let (id, kind) = (channel.id.clone(), channel.event_kind("left"));
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": kind, "channel": id, "actor_id": "U0ADMIN"}));
    }

    pub fn make_private(&self, channel: &str) {
        if let Some(channel) = self.0.lock().slack.channel(channel) {
            channel.private = true;
        }
    }

    /// Shares a channel with another workspace.
    pub fn share(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        channel.shared = true;
        let (id, heard) = (channel.id.clone(), channel.has_bot());
        if heard {
            let config = world.config.clone();
            let event = json!({"type": "channel_shared", "connected_team_id": "T0OTHER000", "channel": id});
            world.slack.emit(&config, &event);
        }
    }

    /// Ends the sharing of a channel.
    pub fn unshare(&self, channel: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        channel.shared = false;
        let (id, heard) = (channel.id.clone(), channel.has_bot());
        if heard {
            let config = world.config.clone();
            let event = json!({
                "type": "channel_unshared", "previously_connected_team_id": "T0OTHER000", "channel": id, "is_ext_shared": false,
            });
            world.slack.emit(&config, &event);
        }
    }

    /// Sets whether the workspace lets apps make channels.
    pub fn forbid_channels(&self, forbidden: bool) {
        self.0.lock().slack.forbids_channels = forbidden;
    }

    pub fn rename(&self, channel: &str, name: &str) {
        let mut world = self.0.lock();
        let Some(channel) = world.slack.channel(channel) else { return };
        name.clone_into(&mut channel.name);
        let (id, kind) = (channel.id.clone(), channel.event_kind("rename"));
        let config = world.config.clone();
        world.slack.emit(&config, &json!({"type": kind, "channel": {"id": id, "name": name, "created": 0}}));
    }

    /// A person opens the app's home.
    pub fn open_home(&self, user: &str) {
        let mut world = self.0.lock();
        let config = world.config.clone();
        world
            .slack
            .emit(&config, &json!({"type": "app_home_opened", "user": user, "channel": "D0HOME", "tab": "home"}));
    }
}
