budget-threshold-title = { $name } : { $percent } % du budget dépensé
budget-threshold-body = Vous avez dépensé { $spent } sur { $limit } pendant la période du { $from } au { $to }.

budget-exceeded-title = { $name } : budget épuisé ({ $percent } %)
budget-exceeded-body = Vous avez dépensé { $spent } ; la limite pour la période du { $from } au { $to } est de { $limit }.

goal-milestone-title = { $name } : { $percent } % du chemin
goal-milestone-body = Vous avez mis de côté { $current } sur { $target }.

goal-reached-title = { $name } : objectif atteint
goal-reached-body = Vous avez mis de côté { $current } ; votre objectif était de { $target }. Bravo !

goal-deadline-title = { $days ->
    [0] { $name } : échéance aujourd’hui
    [1] { $name } : échéance demain
   *[other] { $name } : échéance dans { $days } jours
}
goal-deadline-body = Vous avez mis de côté { $current } sur { $target } ; l’échéance est le { $due }.

monthly-report-title = Votre rapport : { $month }
monthly-report-body = { $income } sont entrés et { $expense } sont sortis, soit un solde de { $net }. À la fin du mois, votre patrimoine net était de { $worth }.
amounts-unpriced = Les montants de { $amounts } ne sont pas inclus, faute de taux de change.
report-uncategorized = Sans catégorie
