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

monthly-report-title = Votre mois de { $month }
monthly-report-body = { $income } sont entrés et { $expense } sont sortis : { $net }. À la fin du mois, vous aviez { $worth }.
amounts-unpriced = { $amounts } n'a pas pu être converti et n'est pas inclus.
report-uncategorised = Sans catégorie
